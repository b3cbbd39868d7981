"""Clients of the one Redis/Valkey primary.

They never retry by themselves: a command repeated behind the caller's back may happen twice, so repeating belongs to
callers whose call carries a token (`state.store`). Connecting takes at most 0.25 s.
"""

from typing import Any

import redis
import redis.asyncio
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.retry import Retry

from core.settings import get_settings

CONNECT_TIMEOUT_S = 0.25
ANSWER_TIMEOUT_S = 5.0
MAX_CONNECTIONS = 5_000  # one per greenlet that waits for an answer; they are made when needed


def _options() -> dict[str, Any]:
    return {
        "socket_connect_timeout": CONNECT_TIMEOUT_S,
        "socket_timeout": ANSWER_TIMEOUT_S,
        "max_connections": MAX_CONNECTIONS,
        "health_check_interval": 0,
    }


def sync_client(url: str | None = None) -> "redis.Redis":
    """A client for worker processes and tools; answers are bytes."""
    return redis.Redis.from_url(url or get_settings().store_url, retry=Retry(NoBackoff(), 0), **_options())


def async_client(url: str | None = None) -> "redis.asyncio.Redis":
    """A client for the API's event loop; answers are bytes."""
    return redis.asyncio.Redis.from_url(url or get_settings().store_url, retry=AsyncRetry(NoBackoff(), 0), **_options())
