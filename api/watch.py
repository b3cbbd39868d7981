"""Watching workflows: one subscription a process wakes everyone who waits for one of many workflows.

A wake-up is only a hint: who waits looks again. Every change is told, and everyone is woken when the subscription was
interrupted, so who hears nothing while it stands need not look often.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import redis.asyncio
from redis.exceptions import RedisError

from core.logging import get_logger
from state import keys

log = get_logger(__name__)
LOOK_ANYWAY_S = 5.0
LOOK_WHILE_DEAF_S = 1.0
TRY_AGAIN_S = 0.5


class Watcher:
    """Wakes the waiters of a workflow whenever one of its transitions happened; `cancelled` hears of each cancel."""

    def __init__(
        self, client: "redis.asyncio.Redis", cancelled: Callable[[str], None] = lambda _: None
    ) -> None:
        self._client, self._cancelled = client, cancelled
        self._waiters: defaultdict[str, set[asyncio.Event]] = defaultdict(set)
        self.listening = False

    @asynccontextmanager
    async def watching(self, workflow_id: str) -> AsyncIterator["Watch"]:
        """A watch on one workflow, from now on."""
        event = asyncio.Event()
        self._waiters[workflow_id].add(event)
        try:
            yield Watch(self, event)
        finally:
            waiters = self._waiters[workflow_id]
            waiters.discard(event)
            if not waiters:
                del self._waiters[workflow_id]

    async def run(self) -> None:
        """Listen for ever: whatever interrupts it, it tries again twice a second."""
        while True:
            try:
                async with self._client.pubsub(ignore_subscribe_messages=True) as subscription:
                    await subscription.subscribe(keys.CHANGED, keys.CANCELLED)
                    await self._listen(subscription)
            except (RedisError, OSError) as error:
                log.warning("watch_interrupted", error=str(error))
            except Exception:
                log.exception("watch_failed")
            finally:
                self.listening = False
            await asyncio.sleep(TRY_AGAIN_S)

    async def _listen(self, subscription: "redis.asyncio.client.PubSub") -> None:
        self.listening = True
        self._wake_all()
        while True:
            message = await subscription.get_message(timeout=LOOK_ANYWAY_S)
            if message is None:
                continue
            if message["channel"] == keys.CANCELLED.encode():
                self._cancelled(message["data"].decode())
            else:
                for event in self._waiters.get(message["data"].decode(), ()):
                    event.set()

    def _wake_all(self) -> None:
        for waiters in self._waiters.values():
            for event in waiters:
                event.set()


class Watch:
    """One waiter's view."""

    def __init__(self, watcher: Watcher, event: asyncio.Event) -> None:
        self._watcher, self._event = watcher, event

    async def changed(self) -> None:
        """Return when something happened, or when it is time to look anyway."""
        try:
            async with asyncio.timeout(LOOK_ANYWAY_S if self._watcher.listening else LOOK_WHILE_DEAF_S):
                await self._event.wait()
        except TimeoutError:
            return
        self._event.clear()
