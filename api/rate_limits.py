"""Rate limits: so many requests of one key, or of one address where no keys are asked for (RATE_LIMIT).

A sliding window, counted in Valkey for all API processes by the library `limits` (keys `baton:rate:*`, its own types
and TTLs). While Valkey is away nobody is counted: the door that stays open longer is the lesser evil.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from limits import parse
from limits.aio.storage import RedisStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from redis.exceptions import RedisError
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.caller import Caller
from api.problems import Problem
from api.roles import rule_of
from core.logging import get_logger
from core.valkey import CONNECT_TIMEOUT_S

log = get_logger(__name__)
ANSWER_TIMEOUT_S: Final = 1.0
LOOK_AGAIN_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a caller stands: may this request pass, how many more may, and when there is room again."""

    allowed: bool
    remaining: int
    reset_s: int


class RateLimit:
    """Counts each request that needs a role; answers 429 beyond the limit, and tells all others where they stand."""

    def __init__(self, app: ASGIApp, limit: str, store_url: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._app, self._limit, self._clock = app, parse(limit), clock
        self._said = f"RATE_LIMIT is {limit}"
        self._counter = SlidingWindowCounterRateLimiter(
            RedisStorage(
                f"async+{store_url}",
                implementation="redispy",
                key_prefix="baton:rate",
                socket_connect_timeout=CONNECT_TIMEOUT_S,
                socket_timeout=ANSWER_TIMEOUT_S,
            )
        )
        self._look_again_at = 0.0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        standing = await self._count(scope) if scope["type"] == "http" else None
        if standing is None:
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["RateLimit-Limit"] = str(self._limit.amount)
                headers["RateLimit-Remaining"] = str(standing.remaining)
                headers["RateLimit-Reset"] = str(standing.reset_s)
            await send(message)

        if standing.allowed:
            await self._app(scope, receive, with_headers)
        else:
            await self._refusal(standing).response()(scope, receive, with_headers)

    async def _count(self, scope: Scope) -> Standing | None:
        """Count this request; None for one that is not counted."""
        rule = rule_of(scope["method"], scope["path"])
        if (rule is not None and rule.role is None) or self._clock() < self._look_again_at:
            return None
        try:
            allowed = await self._counter.hit(self._limit, _who(scope))
            stats = await self._counter.get_window_stats(self._limit, _who(scope))
        except (RedisError, OSError) as error:
            self._look_again_at = self._clock() + LOOK_AGAIN_S
            log.warning("requests_not_counted", error=repr(error))
            return None
        return Standing(allowed, stats.remaining, max(1, math.ceil(stats.reset_time - time.time())))

    def _refusal(self, standing: Standing) -> Problem:
        return Problem(
            "too_many_requests",
            f"Too many requests: {self._said}.",
            recovery_action="wait_and_retry",
            retry_after_s=standing.reset_s,
            suggestions=["Ask less often; whoever runs this system can raise RATE_LIMIT."],
        )


def _who(scope: Scope) -> str:
    caller: Caller | None = scope.get("state", {}).get("caller")
    if caller is not None and caller.key_id:
        return f"key:{caller.key_id}"
    return f"address:{scope['client'][0]}" if scope.get("client") else "address:"
