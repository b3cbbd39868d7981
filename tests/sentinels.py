"""A primary, its replica, and three sentinels that watch them: real servers on loopback."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import redis

from deploy.local.children import valkey_binary
from tests.processes import LocalProcess, LocalValkey, free_ports, wait_for

NAME = "baton"
SENTINELS, QUORUM = 3, 2


class LocalSentinel(LocalProcess):
    """One sentinel; it takes a primary for dead that has not answered for a second."""

    def __init__(self, folder: Path, primary: LocalValkey) -> None:
        (self.port,) = free_ports(1)
        file = folder / f"sentinel-{self.port}.conf"
        folder.mkdir(parents=True, exist_ok=True)
        file.write_text(f"port {self.port}\nbind 127.0.0.1\ndir {folder}\n"
                        f"sentinel monitor {NAME} 127.0.0.1 {primary.port} {QUORUM}\n"
                        f"sentinel down-after-milliseconds {NAME} 1000\nsentinel failover-timeout {NAME} 5000\n")
        super().__init__([str(valkey_binary()), str(file), "--sentinel"], folder)
        self.asked: redis.Redis = redis.Redis(port=self.port, decode_responses=True)

    def up(self) -> bool:
        """It knows the replica and the other sentinels."""
        try:
            seen: Any = self.asked.sentinel_master(NAME)
        except redis.RedisError:
            return False
        return bool(seen["num-slaves"] == 1 and seen["num-other-sentinels"] == SENTINELS - 1)

    def teardown(self) -> None:
        self.asked.close()
        super().teardown()


@dataclass(frozen=True)
class WatchedPair:
    """`url` is what REDIS_URL is set to."""

    primary: LocalValkey
    replica: LocalValkey
    sentinels: list[LocalSentinel]
    url: str

    def lose_machine(self) -> None:
        """Kill the primary, and the sentinel that everybody asks first."""
        self.primary.kill()
        self.sentinels[0].kill()

    @property
    def failed_over(self) -> bool:
        """Whether the replica has become the primary."""
        return bool(self.replica.client.info("replication")["role"] == "master")


@contextmanager
def watched_pair(folder: Path) -> Iterator[WatchedPair]:
    """Start all five; the replica has caught up."""
    with ExitStack() as running:
        (folder / "replica").mkdir(parents=True)
        primary = LocalValkey(folder, "--repl-diskless-sync-delay", "0")
        running.callback(primary.teardown)
        primary.ready()
        replica = LocalValkey(folder / "replica", "--replicaof", "127.0.0.1", str(primary.port))
        running.callback(replica.teardown)
        replica.ready()
        wait_for(lambda: replica.client.info("replication")["master_link_status"] == "up", "the replica to catch up")
        # Later: a sentinel looks for replicas at its start, and then every ten seconds.
        sentinels = [LocalSentinel(folder, primary) for _ in range(SENTINELS)]
        for sentinel in sentinels:
            running.callback(sentinel.teardown)
        for sentinel in sentinels:
            sentinel.ready()
        hosts = ",".join(f"127.0.0.1:{sentinel.port}" for sentinel in sentinels)
        yield WatchedPair(primary, replica, sentinels, f"sentinel://{hosts}/{NAME}")
