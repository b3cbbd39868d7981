"""Clients of the one Redis/Valkey primary, named by its own URL or by its sentinels (`core.sentinel`).

They never retry by themselves: a command repeated behind the caller's back may happen twice, so repeating belongs to
callers whose call carries a token (`state.store`). Connecting takes at most 0.25 s; in an event loop, where this counts
also what else the loop does meanwhile, 1 s.
"""

from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from typing import Any

import redis
import redis.asyncio
from redis.asyncio.connection import BlockingConnectionPool
from redis.asyncio.retry import Retry as AsyncRetry
from redis.asyncio.sentinel import Sentinel as AsyncSentinel
from redis.asyncio.sentinel import SentinelConnectionPool
from redis.backoff import NoBackoff
from redis.retry import Retry
from redis.sentinel import Sentinel

from core.sentinel import ASK_WITHIN_S, Watched
from core.settings import get_settings
from core.tls import tls_options
from core.tls_connection import AsyncTlsConnection, TlsConnection

CONNECT_TIMEOUT_S = 0.25
ANSWER_TIMEOUT_S = 5.0
LOOP_CONNECT_TIMEOUT_S = 1.0
LOOP_CONNECTIONS = 100
MAX_CONNECTIONS = 5_000  # one per greenlet that waits for an answer; they are made when needed

_ASKED: dict[str, Any] = {"socket_connect_timeout": CONNECT_TIMEOUT_S, "socket_timeout": ASK_WITHIN_S}


def _options(url: str) -> dict[str, Any]:
    return {
        **tls_options(url, get_settings().redis_ca_file),
        "socket_connect_timeout": CONNECT_TIMEOUT_S,
        "socket_timeout": ANSWER_TIMEOUT_S,
        "max_connections": MAX_CONNECTIONS,
        "health_check_interval": 0,
    }


class _WatchedPool(SentinelConnectionPool, BlockingConnectionPool):
    """Connections to the primary that the sentinels name; waits for one as the other pool does."""


def sync_client(url: str | None = None) -> "redis.Redis":
    """A client for worker processes and tools; answers are bytes."""
    place = url or get_settings().store_url
    options = _options(place) | {"retry": Retry(NoBackoff(), 0)}
    if (watched := Watched.of(place)) is None:
        there = redis.Redis.from_url(place, **options)
        if there.connection_pool.connection_class is redis.SSLConnection:
            there.connection_pool.connection_class = TlsConnection
        return there
    sentinel: Any = Sentinel(watched.sentinels, sentinel_kwargs=_ASKED | {"retry": Retry(NoBackoff(), 0)})
    client: redis.Redis = sentinel.master_for(watched.name, **options | watched.access | watched.options)
    return client


def async_client(url: str | None = None) -> "redis.asyncio.Redis":
    """A client for the API's event loop; answers are bytes. Who finds all its connections in use waits for one."""
    place = url or get_settings().store_url
    options = _options(place) | {
        "socket_connect_timeout": LOOP_CONNECT_TIMEOUT_S,
        "max_connections": LOOP_CONNECTIONS,
        "timeout": ANSWER_TIMEOUT_S,
        "retry": AsyncRetry(NoBackoff(), 0),
    }
    if (watched := Watched.of(place)) is None:
        there = BlockingConnectionPool.from_url(place, **options)
        if there.connection_class is redis.asyncio.SSLConnection:
            there.connection_class = AsyncTlsConnection
        return redis.asyncio.Redis.from_pool(there)
    sentinel = AsyncSentinel(watched.sentinels, sentinel_kwargs=_ASKED | {"retry": AsyncRetry(NoBackoff(), 0)})
    pool = _WatchedPool(watched.name, sentinel, **options | watched.access | watched.options)
    return redis.asyncio.Redis.from_pool(pool)


def snapshot(client: "redis.Redis", queue: Callable[[Any], object], *, atomic: bool = True) -> list[Any]:
    """What the reading commands answer that `queue` calls on a pipeline, as of one moment if `atomic`.

    A Redis that is full takes no transaction, not even one that only reads (Valkey does): then they go as they are, in
    one piece, and hardly anything changes meanwhile.
    """
    try:
        return _piped(client, queue, atomic=atomic)
    except redis.OutOfMemoryError:
        return _piped(client, queue, atomic=False)


def _piped(client: "redis.Redis", queue: Callable[[Any], object], *, atomic: bool) -> list[Any]:
    with client.pipeline(transaction=atomic) as pipe:
        queue(pipe)
        return pipe.execute()


async def async_snapshot(
    client: "redis.asyncio.Redis", queue: Callable[[Any], object], *, atomic: bool = True
) -> list[Any]:
    """The same for the API's event loop."""
    try:
        return await _async_piped(client, queue, atomic=atomic)
    except redis.OutOfMemoryError:
        return await _async_piped(client, queue, atomic=False)


async def _async_piped(client: "redis.asyncio.Redis", queue: Callable[[Any], object], *, atomic: bool) -> list[Any]:
    async with client.pipeline(transaction=atomic) as pipe:
        queue(pipe)
        return await pipe.execute()


async def connect_all(client: "redis.asyncio.Redis") -> None:
    """Open all of a client's connections before they are needed, unless Valkey is away.

    A thousand requests at once keep an event loop busy for longer than connecting may take: whoever had to connect
    then would find Valkey away.
    """
    pool: Any = client.connection_pool
    with suppress(redis.RedisError, OSError):
        async with AsyncExitStack() as opened:
            for _ in range(LOOP_CONNECTIONS):
                opened.push_async_callback(pool.release, await pool.get_connection())
