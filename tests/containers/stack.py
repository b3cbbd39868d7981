"""The whole of docker-compose.yml on a real engine, as a project of its own, with secrets and ports of its own."""

import itertools
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import requests

from core.settings import ROOT
from deploy.container_secrets import make_secrets
from tests.containers import stand_ins
from tests.containers.commands import QUICK_S, compose, compose_command, docker, inspected
from tests.processes import free_ports, wait_for

VERSION = "test"
IMAGE = f"baton:{VERSION}"
ONE_OF_EACH = dict.fromkeys(("WORKER_NLP", "WORKER_DATA", "WORKER_VIZ", "WORKER_BATON", "APIS"), "1")
HEALTHY_LIMIT_S = 240.0
COMPOSE_LIMIT_S = 420.0
PROJECT_LABEL, SERVICE_LABEL = "com.docker.compose.project", "com.docker.compose.service"


def build(folder: Path) -> None:
    """The image, from the Dockerfile as it is; see `stand_ins` for what they build on."""
    arguments = stand_ins.provide(folder, lambda line: print(line, flush=True))
    docker("build", "-q", "-t", IMAGE, "--build-arg", f"VERSION={VERSION}", *arguments, str(ROOT))


def neighbouring_ports() -> tuple[int, int]:
    """Two free ports, one beside the other."""
    free = sorted(free_ports(500))
    return next((one, other) for one, other in itertools.pairwise(free) if other == one + 1)


class Stack:
    """`with Stack(folder) as stack`: up and healthy; afterwards nothing of it is left, images apart."""

    def __init__(self, folder: Path) -> None:
        self.project = f"baton-test-{os.getpid()}"
        self.secrets = folder / "secrets"
        self.key = make_secrets(self.secrets) or ""
        api, flower = free_ports(2)
        self.base_url, self.flower_url = f"http://127.0.0.1:{api}", f"http://127.0.0.1:{flower}"
        self.published = {("api", "127.0.0.1", str(api)), ("flower", "127.0.0.1", str(flower))}
        self._environment = {"BATON_VERSION": VERSION, "BATON_SECRETS": str(self.secrets), "API_PUBLISHED": str(api),
                             "FLOWER_PORT": str(flower), **ONE_OF_EACH}
        self.healthy_after_s = 0.0

    def __enter__(self) -> Self:
        try:
            self.healthy_after_s = self.up()
        except BaseException:
            self._remove()
            raise
        return self

    def __exit__(self, _kind: type[BaseException] | None, _error: BaseException | None,
                 _trace: TracebackType | None) -> None:
        self._remove()

    def compose(self, *arguments: str) -> str:
        """A compose command on this project."""
        return compose("-p", self.project, *arguments, environment=self._environment, limit_s=COMPOSE_LIMIT_S)

    @contextmanager
    def given(self, **variables: str) -> Iterator[None]:
        """Let `.env` say something else for a while; what runs changes with the next `up`."""
        before, self._environment = self._environment, {**self._environment, **variables}
        try:
            yield
        finally:
            self._environment = before

    def piped(self, *arguments: str, **files: Any) -> None:
        """A compose command that reads `stdin` or writes `stdout`, as a shell's < and > do."""
        subprocess.run([*compose_command(), "-p", self.project, *arguments], cwd=ROOT, check=True, timeout=120,
                       env={**os.environ, **self._environment}, **files)

    def up(self, *arguments: str) -> float:
        """Start what does not run; the seconds until everything is healthy."""
        began = time.monotonic()
        self.compose("up", "-d", "--no-build", *arguments)
        wait_for(lambda: set(self.health().values()) == {"healthy"}, "all containers to be healthy", HEALTHY_LIMIT_S)
        return time.monotonic() - began

    def down(self) -> None:
        """Stop and remove the containers; the volume stays."""
        self.compose("down")

    def containers(self, service: str = "") -> dict[str, dict[str, Any]]:
        """What the engine knows about each container of the project, by name."""
        wanted = [f"label={PROJECT_LABEL}={self.project}", *([f"label={SERVICE_LABEL}={service}"] if service else [])]
        ids = docker("ps", "-aq", *(word for one in wanted for word in ("--filter", one)), limit_s=QUICK_S).split()
        return {found["Name"].lstrip("/"): found for found in (inspected(*ids) if ids else [])}

    def one(self, service: str) -> str:
        """The name of a service's one container."""
        (name,) = self.containers(service)
        return name

    def health(self) -> dict[str, str]:
        """How each container says it is; `running` and the like where it has no check."""
        return {name: found["State"].get("Health", {}).get("Status", found["State"]["Status"])
                for name, found in self.containers().items()}

    def inside(self, container: str, *command: str) -> str:
        """What a command prints in a container, run as the container's user."""
        return docker("exec", container, *command, limit_s=QUICK_S)

    def kill_from_outside(self, container: str) -> None:
        """SIGKILL to its first process, as the kernel does when memory is out: `docker kill` would count as a wish."""
        pid = inspected(container)[0]["State"]["Pid"]
        docker("run", "--rm", "--pid=host", "--network=none", IMAGE, "python", "-c",
               f"import os; os.kill({int(pid)}, 9)", limit_s=QUICK_S)

    def get(self, path: str, **options: Any) -> requests.Response:
        """From the API, with the admin's key."""
        headers = {"Authorization": f"Bearer {self.key}"}
        return requests.get(f"{self.base_url}{path}", headers=headers, timeout=30, **options)

    def ask(self, query: str, *, wait: bool = True) -> dict[str, Any]:
        """A question over HTTP: its answer, or only that it was accepted."""
        headers = {"Authorization": f"Bearer {self.key}", **({} if wait else {"Prefer": "respond-async"})}
        answer = requests.post(f"{self.base_url}/api/query", json={"query": query}, headers=headers, timeout=120)
        assert answer.status_code == (200 if wait else 202), answer.text
        return dict(answer.json())

    def ended(self, workflow_id: str, limit_s: float = 60.0) -> dict[str, Any]:
        """A workflow's answer, once it has one."""
        wait_for(lambda: self.get(f"/api/workflow/{workflow_id}/status").json()["final"], "the answer", limit_s)
        return dict(self.get(f"/api/workflow/{workflow_id}").json())

    def step(self, workflow_id: str, name: str) -> str:
        """A step's status."""
        steps = self.get(f"/api/workflow/{workflow_id}/status").json()["steps"]
        return str(next(step["status"] for step in steps if step["step"] == name))

    def _remove(self) -> None:
        self.compose("down", "-v", "--remove-orphans", "-t", "5")
        shutil.rmtree(self.secrets, ignore_errors=True)
