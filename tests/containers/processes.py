"""A Valkey and workers in containers, with the constructors and verbs of the local ones in `tests.processes`.

They share the host's network, so that what a test serves on loopback is as near to them as to a local process; all
else is as in docker-compose.yml: the same image and user, no capability, nothing to write to but /tmp and the data.
"""

import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import docker
import redis
from pytest_celery import CeleryTestContainer

from tests.containers.stack import IMAGE
from tests.containers.stand_ins import VALKEY
from tests.processes import free_ports, wait_for

LABEL = "baton.test-process"


class ContainerProcess(CeleryTestContainer):  # type: ignore[misc]
    """One container, run at once; `teardown` removes it with its volume."""

    user = "10001:10001"

    def __init__(self, image: str, command: list[str], environment: dict[str, str] | None = None) -> None:
        self._engine = docker.from_env()
        super().__init__(self._engine.containers.run(
            image, command, environment=environment or {}, detach=True, network_mode="host", read_only=True,
            tmpfs={"/tmp": "size=64m,mode=1777"}, cap_drop=["ALL"], security_opt=["no-new-privileges:true"],
            user=self.user, labels=[LABEL]))

    def up(self) -> bool:
        """Whether it does its work."""
        raise NotImplementedError

    def ready(self) -> bool:
        """Wait until it does its work; raises with its log when it ends instead."""
        # pytest-celery's own waits for an address, which a container on the host's network never gets.
        wait_for(lambda: self.status == "exited" or self.up(), f"{self.name}\n{self.logs()[-2000:]}")
        if self.status == "exited":
            raise RuntimeError(f"{self.name} ended:\n{self.logs()[-2000:]}")
        return True

    @property
    def status(self) -> str:
        self.reload()
        return str(super().status)

    def logs_since_start(self) -> str:
        """What it said since it was last started."""
        self.reload()
        started = datetime.fromisoformat(self.attrs["State"]["StartedAt"][:26]).replace(tzinfo=UTC)
        return str(self._container.logs(since=started.timestamp()).decode(errors="replace"))

    def restart(self, timeout: int = 10) -> None:
        """Stop it, if it still runs, and start it again until it is ready."""
        self._container.restart(timeout=timeout)
        self.ready()

    def teardown(self) -> None:
        """End it for good."""
        self._container.remove(force=True, v=True)
        self._engine.close()

    def discard(self) -> None:
        """The same: nothing of it is kept."""
        self.teardown()


class ContainerValkey(ContainerProcess):
    """A real server with its data in a volume of its own: a restart finds what was written."""

    user = "999:999"

    def __init__(self, _folder: Path) -> None:
        (self.port,) = free_ports(1)
        self.url = f"redis://127.0.0.1:{self.port}/0"
        super().__init__(VALKEY, ["valkey-server", "--port", str(self.port), "--bind", "127.0.0.1", "--dir", "/data",
                                  "--save", "", "--appendonly", "yes", "--maxmemory-policy", "noeviction"])
        self._redis: redis.Redis = redis.Redis.from_url(self.url, decode_responses=True)

    @property
    def client(self) -> redis.Redis:
        """A connection of the test's own; answers are text."""
        return self._redis

    def up(self) -> bool:
        try:
            return bool(self.client.ping())
        except redis.RedisError:
            return False

    def teardown(self) -> None:
        self._redis.close()
        super().teardown()

    @property
    def celeryconfig(self) -> dict[str, Any]:
        return {"url": self.url, "host_url": self.url, "local_url": self.url, "hostname": "127.0.0.1",
                "port": self.port, "vhost": "0"}


class ContainerWorker(ContainerProcess):
    """One Celery worker on all queues, with any of the pools."""

    def __init__(self, _folder: Path, environment: dict[str, str], pool: str = "gevent", concurrency: int = 20) -> None:
        self.pool = pool
        self.hostname = f"{pool}-{uuid.uuid4().hex[:8]}@container"
        super().__init__(IMAGE, ["celery", "-A", "tasks", "worker", "-P", pool, "-c", str(concurrency), "-E",
                                 "-l", "INFO", "-n", self.hostname], environment)

    def up(self) -> bool:
        return f"{self.hostname} ready" in self.logs_since_start()
