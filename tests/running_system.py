"""What tests do to the running system: ask it, and let an agent of it be slow, away, or shut out by an operator."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import requests

from breakers.local_view import LOOK_S
from deploy.local.supervisord import Supervisord
from tests.processes import LocalSystem, wait_for

QUESTION = "average departure delay by carrier"
LIMIT_S = 60


def asked(system: LocalSystem, query: str = QUESTION, *, wait: bool = True) -> str:
    """A new workflow's id; `wait`: it has ended."""
    url = f"{system.base_url}/api/{'query' if wait else 'workflow'}"
    workflow_id: str = requests.post(url, json={"query": query}, timeout=LIMIT_S).json()["workflow_id"]
    return workflow_id


def breaker(system: LocalSystem, agent: str) -> dict[str, Any]:
    """How the agent's breaker stands."""
    found: dict[str, Any] = requests.get(f"{system.base_url}/api/circuit-breakers/status", timeout=LIMIT_S).json()
    status: dict[str, Any] = found["breakers"][agent]
    return status


@contextmanager
def held(system: LocalSystem, process: str) -> Iterator[None]:
    """A process that answers nobody for a while."""
    pid = system.pids()[process]
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


@contextmanager
def stopped(system: LocalSystem, process: str) -> Iterator[None]:
    """A process that is down until the end: nobody listens on its port."""
    supervisord = Supervisord(system.folder)
    try:
        supervisord._rpc.stopProcess(f"baton:{process}", True)
        yield
    finally:
        supervisord._rpc.startProcess(f"baton:{process}", True)
        supervisord.close()


@contextmanager
def opened(system: LocalSystem, agent: str) -> Iterator[None]:
    """An operator holds the agent's breaker open."""
    url = f"{system.base_url}/api/circuit-breakers/{agent}/mode"
    said = {"actor": "ann", "reason": "a look at it"}
    requests.post(url, json={"mode": "forced_open", **said}, timeout=LIMIT_S).raise_for_status()
    time.sleep(LOOK_S)  # so long a worker may still admit calls by what it saw before: then none does
    try:
        yield
    finally:
        requests.post(url, json={"mode": "auto", **said}, timeout=LIMIT_S).raise_for_status()
        wait_for(lambda: _answer(system).get("status") == "SUCCEEDED", "the workers to follow")


def _answer(system: LocalSystem) -> dict[str, Any]:
    url = f"{system.base_url}/api/query"
    found: dict[str, Any] = requests.post(url, json={"query": QUESTION}, timeout=LIMIT_S).json()
    return found
