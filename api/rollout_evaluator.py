"""Compares the paths every five seconds and changes the share when it is due; one API process at a time does.

It is the API's and no worker's: Celery's side may be what is broken.
"""

import asyncio
import secrets
from contextlib import suppress
from typing import Final

from core.logging import get_logger
from core.settings import Settings, get_settings
from pipeline.rollout.decision import Step, decide
from pipeline.rollout.policy import Policy
from state.errors import StoreUnavailable
from state.rollout import change, count_look, current, turn
from state.sides import SlotReader
from state.store import AsyncStore
from state.transition import new_token

log = get_logger(__name__)
EVERY_S: Final = 5.0
LEASE_MS: Final = 15_000


def policy_of(settings: Settings) -> Policy:
    """The policy with what the settings say."""
    return Policy(
        cool_down_s=settings.rollout_cool_down_s,
        stage_s=settings.rollout_stage_s,
        stage_asked=settings.rollout_stage_asked,
    )


class Evaluator:
    """The loop of one API process."""

    def __init__(self, store: AsyncStore, every_s: float = EVERY_S) -> None:
        self._store, self._every_s = store, every_s
        self._slots = SlotReader(store)
        self._policy = policy_of(get_settings())
        self._process = secrets.token_hex(8)
        self._running: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin, unless `ROLLOUT_AUTO` is off."""
        if get_settings().rollout_auto:
            self._running = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """End, and let another process look at once."""
        if self._running is None:
            return
        self._running.cancel()
        with suppress(asyncio.CancelledError):
            await self._running
        with suppress(StoreUnavailable):  # then the lease runs out
            await self._store.run(turn(self._process, 0))

    async def look(self) -> Step | None:
        """Compare once, if it is this process's turn; the change that was made. Raises `StoreUnavailable`."""
        if not await self._store.run(turn(self._process, LEASE_MS)):
            return None
        now = await current(self._store)
        if now.unreadable:  # a newer release's, whose turn it is then, or broken
            await self._store.run(turn(self._process, 0))
            return None
        seen = await self._slots.read(now.since_ms)
        await count_look(self._store)
        step = decide(now, seen, self._policy)
        if step is None:
            return None
        moving = change(now, step.after, step.move, new_token(), measure=step.measure or "none")
        if not await self._store.run(moving):
            return None  # somebody else changed it meanwhile: the next look sees what there is then
        log.warning("rollout_changed", move=step.move, share=step.after.share, reason=step.after.reason)
        return step

    async def _run(self) -> None:
        while True:
            try:
                await self.look()
            except StoreUnavailable as error:
                log.info("rollout_not_looked_at", error=str(error))
            except Exception:  # a fault of ours must not end the watch over the other side
                log.exception("rollout_look_failed")
            await asyncio.sleep(self._every_s)
