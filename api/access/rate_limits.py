"""Rate limits (RATE_LIMIT): so many requests of one key; of one address where no keys are asked for, and for logins.

A sliding window, counted in Valkey for all API processes by the library `limits` (keys `baton:rate:*`, its own types
and TTLs). While Valkey is away nobody is counted: the door that stays open longer is the lesser evil.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from limits import parse
from limits.aio.storage import RedisStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from redis.exceptions import RedisError
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.access.audited import SAFE
from api.access.caller import Caller
from api.access.roles import rule_of
from api.problems import Problem
from core.logging import get_logger
from core.valkey import async_client

log = get_logger(__name__)
LOOK_AGAIN_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a caller stands: may this request pass, how many more may, and when there is room again."""

    allowed: bool
    remaining: int
    reset_s: int


class Rate:
    """Counts requests against one limit, in Valkey."""

    def __init__(self, limit: str, store_url: str, clock: Callable[[], float] = time.monotonic) -> None:
        self.text, self.limit, self._clock = limit, parse(limit), clock
        self._client = async_client(store_url)
        pool: Any = self._client.connection_pool
        storage = RedisStorage(
            "async+redis://", implementation="redispy", key_prefix="baton:rate", connection_pool=pool
        )
        self._counter = SlidingWindowCounterRateLimiter(storage)
        self._look_again_at = 0.0

    async def count(self, who: str) -> Standing | None:
        """Count one request of `who`; None while Valkey is away."""
        if self._clock() < self._look_again_at:
            return None
        try:
            allowed = await self._counter.hit(self.limit, who)
            stats = await self._counter.get_window_stats(self.limit, who)
        except (RedisError, OSError) as error:
            self._look_again_at = self._clock() + LOOK_AGAIN_S
            log.warning("requests_not_counted", error=repr(error))
            return None
        return Standing(allowed, stats.remaining, max(1, math.ceil(stats.reset_time - time.time())))

    async def close(self) -> None:
        """Hang up."""
        await self._client.aclose()


class RateLimit:
    """Counts each request that needs a role; answers 429 beyond the limit, and tells all others where they stand."""

    def __init__(self, app: ASGIApp, rate: Rate) -> None:
        self._app, self._rate = app, rate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        standing = await self._rate.count(_who(scope)) if _is_counted(scope) else None
        if standing is None:
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["RateLimit-Limit"] = str(self._rate.limit.amount)
                headers["RateLimit-Remaining"] = str(standing.remaining)
                headers["RateLimit-Reset"] = str(standing.reset_s)
            await send(message)

        if standing.allowed:
            await self._app(scope, receive, with_headers)
        else:
            await self._refusal(standing).response()(scope, receive, with_headers)

    def _refusal(self, standing: Standing) -> Problem:
        return Problem(
            "too_many_requests",
            f"Too many requests: RATE_LIMIT is {self._rate.text}.",
            recovery_action="wait_and_retry",
            retry_after_s=standing.reset_s,
            suggestions=["Ask less often; whoever runs this system can raise RATE_LIMIT."],
        )


def _is_counted(scope: Scope) -> bool:
    """Whether a request counts: of what is open to all, logins alone."""
    rule = rule_of(scope["method"], scope["path"]) if scope["type"] == "http" else None
    return scope["type"] == "http" and (rule is None or rule.role is not None or rule.method not in SAFE)


def _who(scope: Scope) -> str:
    caller: Caller | None = scope.get("state", {}).get("caller")
    if caller is not None and caller.key_id:
        return f"key:{caller.key_id}"
    return f"address:{scope['client'][0]}" if scope.get("client") else "address:"
