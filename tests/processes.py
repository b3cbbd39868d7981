"""Real processes for tests: a Valkey, the agents, workers, the whole system; each with free ports and its own folder.

They stand where pytest-celery has docker containers, with the same verbs: `ready`, `logs`, `kill`, `restart`,
`teardown`.
Every process is on a leash (see `deploy.local.leash`), so even a killed pytest leaves none behind.
"""

import os
import random
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import redis
import requests
from pytest_celery import CeleryTestContainer

from core.settings import ROOT
from deploy.local.children import valkey_binary
from deploy.local.leash import leash
from deploy.local.supervisord import Supervisord

READY_LIMIT_S = 60.0
STOP_LIMIT_S = 15.0
POLL_S = 0.02
PORTS_FOR_SERVERS = range(15_000, 32_000)
AGENTS = ("nlp", "data", "viz")
PORTS = ("api", "nlp", "data", "viz", "flower", "valkey")


def wait_for(condition: Callable[[], object], what: str, limit_s: float = READY_LIMIT_S) -> None:
    """Poll until `condition` holds; the failure says what was waited for."""
    deadline = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < deadline, f"waited {limit_s:.0f} s for {what}"
        time.sleep(POLL_S)


def free_ports(count: int) -> list[int]:
    """Ports nobody uses, all different, and below those the system gives to connections: none takes one meanwhile."""
    found: list[int] = []
    for port in random.SystemRandom().sample(PORTS_FOR_SERVERS, 20 * count):
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            found.append(port)
        if len(found) == count:
            return found
    raise RuntimeError("there are not enough free ports")


def gone(pid: int) -> bool:
    """Whether a process has ended; one that only waits to be collected has."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


class LocalProcess(CeleryTestContainer):  # type: ignore[misc]
    """A container of pytest-celery's that is a process; `folder` takes its log, `code` is the tree it runs from."""

    def __init__(self, command: Sequence[str], folder: Path, environment: dict[str, str] | None = None,
                 code: Path = ROOT) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.code = code
        self._argv = leash("KILL", list(command))
        self.environment = environment or {}
        self.log = folder / f"{type(self).__name__.lower()}-{uuid.uuid4().hex[:6]}.log"
        self.start()

    def start(self) -> None:
        """Start it (again), with the log going on."""
        self._said_before = len(self.logs()) if self.log.exists() else 0
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(self._argv, cwd=self.code, env={**os.environ, **self.environment},
                                            stdout=log, stderr=subprocess.STDOUT, start_new_session=True)

    def up(self) -> bool:
        """Whether it does its work."""
        raise NotImplementedError

    def ready(self) -> bool:
        """Wait until it does its work; raises with its log when it ends instead."""
        wait_for(lambda: self.process.poll() is not None or self.up(), f"{self.name}\n{self.logs()[-2000:]}")
        if self.process.poll() is not None:
            raise RuntimeError(f"{self.name} ended with {self.process.returncode}:\n{self.logs()[-2000:]}")
        return True

    @property
    def name(self) -> str:
        return f"{type(self).__name__}-{self.process.pid}"

    @property
    def status(self) -> str:
        return "running" if self.process.poll() is None else "exited"

    def logs(self) -> str:
        return self.log.read_text(errors="replace")

    def logs_since_start(self) -> str:
        """What it said since it was last started."""
        return self.logs()[self._said_before:]

    def kill(self, signal: str | int = signal.SIGKILL) -> None:
        """Send a signal and wait for the end; SIGKILL takes what it started as well, as it does with a container."""
        number = _signal(signal)
        (os.killpg if number == _signal("SIGKILL") else os.kill)(self.process.pid, number)
        self.process.wait(STOP_LIMIT_S)

    def reload(self) -> None:
        """Nothing: what is told about a process is never kept."""

    def restart(self, timeout: int = 10) -> None:
        """Stop it, if it still runs, and start it again until it is ready."""
        self.teardown()
        self.start()
        self.ready()

    def teardown(self) -> None:
        """End it for good."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(STOP_LIMIT_S)
            except subprocess.TimeoutExpired:
                self.kill()

    def discard(self) -> None:
        """End it at once, where nobody looks at how it ends: a worker takes seconds to stop as it should."""
        if self.process.poll() is None:
            self.kill()


def _signal(wanted: str | int) -> signal.Signals:
    return signal.Signals[wanted] if isinstance(wanted, str) else signal.Signals(wanted)


class LocalValkey(LocalProcess):
    """A real server with its data in `folder`: a restart finds what was written."""

    def __init__(self, folder: Path, *options: str) -> None:
        (self.port,) = free_ports(1)
        self.url = f"redis://127.0.0.1:{self.port}/0"
        super().__init__([str(valkey_binary()), "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(folder),
                          "--save", "", "--appendonly", "yes", "--maxmemory-policy", "noeviction", *options], folder)
        self._client: redis.Redis = redis.Redis.from_url(self.url, decode_responses=True)

    @property
    def client(self) -> redis.Redis:
        """A connection of the test's own; answers are text."""
        return self._client

    def up(self) -> bool:
        try:
            return bool(self.client.ping())
        except redis.RedisError:
            return False

    def teardown(self) -> None:
        self._client.close()
        super().teardown()

    @property
    def celeryconfig(self) -> dict[str, Any]:
        return {"url": self.url, "host_url": self.url, "local_url": self.url, "hostname": "127.0.0.1",
                "port": self.port, "vhost": "0"}


class LocalAgent(LocalProcess):
    """One bundled agent."""

    def __init__(self, agent: str, folder: Path, environment: dict[str, str] | None = None) -> None:
        (port,) = free_ports(1)
        self.agent, self.url = agent, f"http://127.0.0.1:{port}"
        super().__init__([sys.executable, "-m", f"agents.{agent}"], folder,
                         {**(environment or {}), f"{agent.upper()}_PORT": str(port)})

    def up(self) -> bool:
        return answers(f"{self.url}/health")


class LocalWorker(LocalProcess):
    """One Celery worker on all queues, with any of the pools."""

    def __init__(self, folder: Path, environment: dict[str, str], pool: str = "gevent", concurrency: int = 20,
                 code: Path = ROOT) -> None:
        self.pool = pool
        self.hostname = f"{pool}-{uuid.uuid4().hex[:8]}@local"
        super().__init__([sys.executable, "-m", "celery", "-A", "tasks", "worker", "-P", pool, "-c", str(concurrency),
                          "-E", "-l", "INFO", "-n", self.hostname], folder, environment, code)

    def up(self) -> bool:
        return f"{self.hostname} ready" in self.logs_since_start()


class LocalSystem(LocalProcess):
    """The whole stack through `python -m deploy.local`, as `make run` starts it, without the first question."""

    def __init__(self, folder: Path, environment: dict[str, str] | None = None) -> None:
        self.folder = folder / "baton"
        self.ports = dict(zip(PORTS, free_ports(len(PORTS)), strict=True))
        self.base_url = f"http://127.0.0.1:{self.ports['api']}"
        ports = {f"{name.upper()}_PORT": str(port) for name, port in self.ports.items()}
        # Empty, not absent: what the developer's shell or .env sets is not for tests.
        own = {"REDIS_URL": "", "DATA": "", **{f"{agent.upper()}_AGENT_URL": "" for agent in AGENTS}}
        # Tests make agents fail: the next is neither to wait for minutes nor to find its questions on the direct path.
        own |= {"BREAKER_FIRST_OPEN_S": "2", "ROLLOUT_AUTO": "false"}
        super().__init__([sys.executable, "-m", "deploy.local", "--no-question"], folder,
                         {**own, **ports, "BATON_DIR": str(self.folder), **(environment or {})})

    def up(self) -> bool:
        return "Baton is ready" in self.logs_since_start()

    @property
    def redis_url(self) -> str:
        return self.environment["REDIS_URL"] or f"redis://127.0.0.1:{self.ports['valkey']}/0"

    @property
    def supervisor_pid(self) -> int:
        """supervisord; the process started here is its parent."""
        return Supervisord(self.folder).pid

    def pids(self) -> dict[str, int]:
        """The processes by name (`valkey`, `nlp`, ... `api`); 0 while one is down, nothing while the supervisor is."""
        supervisord = Supervisord(self.folder)
        try:
            return {name: state.pid for name, state in supervisord.states().items()}
        finally:
            supervisord.close()


def answers(url: str) -> bool:
    """Whether a GET is answered with 200."""
    try:
        return requests.get(url, timeout=2).ok
    except requests.RequestException:
        return False
