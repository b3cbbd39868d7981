"""Example questions for the page, kept for a while: a slow or absent nlp agent must not slow the page down."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress

FRESH_S = 30.0
PATIENCE_S = 0.8
MOST = 6


class ExampleShelf:
    """The last examples there were; asked for again when older than `FRESH_S`."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._kept: list[str] = []
        self._asked_at: float | None = None

    async def take(self, fetch: Callable[[], Awaitable[list[str]]]) -> list[str]:
        """At most `MOST` examples, after at most `PATIENCE_S`; those of last time when there are no new ones."""
        now = self._clock()
        if not self._kept or self._asked_at is None or now - self._asked_at > FRESH_S:
            self._asked_at = now
            with suppress(TimeoutError):  # the agent is slow; examples are a courtesy
                self._kept = await asyncio.wait_for(fetch(), PATIENCE_S) or self._kept
        return self._kept[:MOST]
