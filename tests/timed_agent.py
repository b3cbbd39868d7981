"""The benchmark's agent as a process: all three roles, each answers after the same time and costs next to nothing."""

import sys
from pathlib import Path

import requests

from tests.processes import LocalProcess, free_ports

ROLES = ("process", "execute", "visualize")


class TimedAgent(LocalProcess):
    """Answers after `agent_ms`."""

    def __init__(self, folder: Path, agent_ms: int) -> None:
        (port,) = free_ports(1)
        self.url = f"http://127.0.0.1:{port}/{agent_ms}"
        self._session = requests.Session()
        super().__init__([sys.executable, "-m", "bench.agent", str(port)], folder)

    def up(self) -> bool:
        """Whether it answers."""
        try:
            return requests.post(f"{self.url}/process", json={}, timeout=5).ok
        except requests.RequestException:
            return False

    def call_each(self) -> None:
        """A question's three calls and nothing else, on one connection."""
        for role in ROLES:
            self._session.post(f"{self.url}/{role}", json={}, timeout=60).raise_for_status()
