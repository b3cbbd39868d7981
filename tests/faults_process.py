"""The fault-injecting proxy as a process of a test's own, with rules switched over its control API."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import requests

from tests.processes import AGENTS, LocalProcess, answers, free_ports

LIMIT_S = 10.0


class LocalFaults(LocalProcess):
    """A proxy before `agents` (URL by name; one without is the bundled one, see the option `--agents`).

    `urls` and `environment_of_clients` say where to call instead.
    """

    def __init__(self, folder: Path, agents: Mapping[str, str], *options: str,
                 environment: dict[str, str] | None = None) -> None:
        control, *ports = free_ports(1 + len(AGENTS))
        self.control_url = f"http://127.0.0.1:{control}"
        self.urls = {agent: f"http://127.0.0.1:{port}" for agent, port in zip(AGENTS, ports, strict=True)}
        self.call_log = folder / "faults.jsonl"
        self._rules: dict[str, list[dict[str, Any]]] = {agent: [] for agent in AGENTS}
        super().__init__([sys.executable, "-m", "faults", "--log", str(self.call_log),
                          "--ports", *map(str, [control, *ports]), *options],
                         folder, {**{f"{agent.upper()}_AGENT_URL": agents.get(agent, "") for agent in AGENTS},
                                  **(environment or {})})

    def up(self) -> bool:
        return answers(f"{self.control_url}/faults")

    @property
    def environment_of_clients(self) -> dict[str, str]:
        """Settings that point Baton's processes at the proxy."""
        return {f"{agent.upper()}_AGENT_URL": url for agent, url in self.urls.items()}

    def rule(self, agent: str, **rule: Any) -> None:
        """Add a rule behind those the agent has: `rule("nlp", fault="error", status=503)`; all schedules begin anew."""
        wanted = [*self._rules[agent], rule]
        told = requests.put(f"{self.control_url}/faults/{agent}", json=wanted, timeout=LIMIT_S)
        assert told.ok, told.text
        self._rules[agent] = wanted

    def clear(self) -> None:
        """No rule for any agent; counters go on."""
        requests.delete(f"{self.control_url}/faults", timeout=LIMIT_S).raise_for_status()
        self._rules = {agent: [] for agent in AGENTS}

    def counters(self) -> dict[str, dict[str, Any]]:
        """What was done so far, by agent: `calls` and `health`, each with `total`, the outcomes and `faults`."""
        told = requests.get(f"{self.control_url}/faults", timeout=LIMIT_S).json()
        return {agent: {name: told[agent][name] for name in ("calls", "health")} for agent in AGENTS}

    def calls(self) -> list[dict[str, Any]]:
        """The log: one entry a request, health checks too (`path`)."""
        return [json.loads(line) for line in self.call_log.read_text().splitlines()]
