"""The API in a process of its own, as it is served: with the rollout's switch and its evaluator."""

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import requests

from tests.processes import LocalProcess, answers, free_ports


class SwitchedApi(LocalProcess):
    """Its rollout is looked at and set over HTTP."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        (port,) = free_ports(1)
        self.url = f"http://127.0.0.1:{port}"
        super().__init__([sys.executable, "-m", "api"], folder, {**environment, "API_PORT": str(port)})

    def up(self) -> bool:
        return answers(f"{self.url}/health/live")

    def put(self, share: float) -> None:
        body = {"share": share, "actor": "prover", "reason": "to see it move"}
        requests.put(f"{self.url}/api/rollout", json=body, timeout=20).raise_for_status()

    def shown(self) -> dict[str, Any]:
        reply: dict[str, Any] = requests.get(f"{self.url}/api/rollout", timeout=20).json()
        return reply

    def until(self, holds: Callable[[dict[str, Any]], bool], limit_s: float) -> float:
        """The moment (monotonic) at which it holds; asks four times a second."""
        ends_s = time.monotonic() + limit_s
        while time.monotonic() < ends_s:
            if holds(shown := self.shown()):
                return time.monotonic()
            time.sleep(0.25)
        raise AssertionError(f"not within {limit_s} s: {shown}")
