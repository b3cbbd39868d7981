"""Watching workflows: one subscription a process wakes everyone who waits for one of many workflows.

A wake-up is only a hint: who waits looks again, and looks once a second without any, so a lost one costs a second.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import redis.asyncio
from redis.exceptions import RedisError

from core.logging import get_logger
from state import keys

log = get_logger(__name__)
LOOK_ANYWAY_S = 1.0


class Watcher:
    """Wakes the waiters of a workflow whenever one of its transitions happened."""

    def __init__(self, client: "redis.asyncio.Redis") -> None:
        self._client = client
        self._waiters: defaultdict[str, set[asyncio.Event]] = defaultdict(set)

    @asynccontextmanager
    async def watching(self, workflow_id: str) -> AsyncIterator["Watch"]:
        """A watch on one workflow, from now on."""
        event = asyncio.Event()
        self._waiters[workflow_id].add(event)
        try:
            yield Watch(event)
        finally:
            waiters = self._waiters[workflow_id]
            waiters.discard(event)
            if not waiters:
                del self._waiters[workflow_id]

    async def run(self) -> None:
        """Listen for ever; while Valkey is away, try again twice a second."""
        while True:
            try:
                async with self._client.pubsub(ignore_subscribe_messages=True) as subscription:
                    await subscription.subscribe(keys.CHANGED)
                    await self._listen(subscription)
            except (RedisError, OSError) as error:
                log.warning("watch_interrupted", error=str(error))
                await asyncio.sleep(0.5)

    async def _listen(self, subscription: "redis.asyncio.client.PubSub") -> None:
        while True:
            message = await subscription.get_message(timeout=LOOK_ANYWAY_S)
            if message is not None:
                for event in self._waiters.get(message["data"].decode(), ()):
                    event.set()


class Watch:
    """One waiter's view."""

    def __init__(self, event: asyncio.Event) -> None:
        self._event = event

    async def changed(self) -> None:
        """Return when something happened, or when it is time to look anyway."""
        try:
            await asyncio.wait_for(self._event.wait(), LOOK_ANYWAY_S)
        except TimeoutError:
            return
        self._event.clear()
