"""Valkey's memory: how much is used, and how much it may use."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import redis.asyncio


@dataclass(frozen=True, slots=True)
class Memory:
    """As the server counts it; `max_bytes` 0: it may use all there is."""

    used_bytes: int = 0
    max_bytes: int = 0

    @property
    def share(self) -> float:
        """How much of what it may use is used; 0 without a bound."""
        return self.used_bytes / self.max_bytes if self.max_bytes else 0.0


def memory_in(info: Mapping[str, Any]) -> Memory:
    """The memory in a server's report (`INFO memory`)."""
    return Memory(int(info.get("used_memory", 0)), int(info.get("maxmemory", 0)))


async def memory_of(client: "redis.asyncio.Redis") -> Memory:
    """As it is now; raises redis-py's errors."""
    return memory_in(await client.info("memory"))
