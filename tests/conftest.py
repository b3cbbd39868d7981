"""Fixtures over real processes; what a process is, and its attributes, stands in `tests.processes`."""

import os
from collections.abc import Iterator
from typing import TypeVar

import pytest
from hypothesis import settings

from tests.processes import AGENTS, LocalAgent, LocalProcess, LocalSystem, LocalValkey, LocalWorker

os.environ["ALLOWED_HOSTS"] = "testserver,127.0.0.1,localhost"  # the first is what FastAPI's test client calls it
settings.register_profile("here", deadline=None)  # on a busy machine an example may stand still; none promises a time
settings.load_profile("here")


@pytest.fixture(scope="module")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalValkey]:
    """A Valkey of this module's own; a test may kill and restart it."""
    server = LocalValkey(tmp_path_factory.mktemp("valkey"))
    yield from _ready(server)


@pytest.fixture(scope="session")
def agents(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, LocalAgent]]:
    """The three bundled agents by name."""
    folder = tmp_path_factory.mktemp("agents")
    running: dict[str, LocalAgent] = {}
    try:
        for name in AGENTS:
            running[name] = LocalAgent(name, folder)
        for agent in running.values():
            agent.ready()
        yield running
    finally:
        for agent in running.values():
            agent.teardown()


@pytest.fixture
def worker(request: pytest.FixtureRequest, valkey: LocalValkey, agents: dict[str, LocalAgent],
           tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalWorker]:
    """A worker on gevent, or on the pool a test asks for: `parametrize("worker", ["prefork", ...], indirect=True)`."""
    environment = {"REDIS_URL": valkey.url, **{f"{name.upper()}_AGENT_URL": one.url for name, one in agents.items()}}
    pool = getattr(request, "param", "gevent")
    yield from _ready(LocalWorker(tmp_path_factory.mktemp("worker"), environment, pool, concurrency=4))


@pytest.fixture(scope="session")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalSystem]:
    """The whole running system, one for all tests: whoever kills a part waits until it is back."""
    yield from _ready(LocalSystem(tmp_path_factory.mktemp("system")))


Process = TypeVar("Process", bound=LocalProcess)


def _ready(process: Process) -> Iterator[Process]:
    try:
        process.ready()
        yield process
    finally:
        process.teardown()
