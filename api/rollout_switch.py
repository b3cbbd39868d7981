"""The rollout's share, as the door of this process knows it."""

import asyncio
import time
from typing import Final

from core.logging import get_logger
from pipeline.rollout.share import path_at
from state.errors import StoreUnavailable
from state.model import Path
from state.rollout import Rollout, current
from state.store import AsyncStore

log = get_logger(__name__)
LOOK_S: Final = 1.0


class ShareSwitch:
    """Chooses a question's path; asks for the share once a second at most, and keeps the last one it could read."""

    def __init__(self, store: AsyncStore) -> None:
        self._store = store
        self._share = Rollout().share
        self._looked_s = -LOOK_S
        self._looking = asyncio.Lock()
        self._told = False

    async def path_for(self, session_id: str, workflow_id: str) -> Path:
        """The path of one question of a session, or of none."""
        async with self._looking:
            if time.monotonic() - self._looked_s >= LOOK_S:
                await self._look()
        return path_at(self._share, session_id, workflow_id)

    async def _look(self) -> None:
        self._looked_s = time.monotonic()
        try:
            now = await current(self._store)
        except StoreUnavailable:
            return  # meanwhile the direct path answers everything anyway
        except Exception:  # no question may fail for it
            if not self._told:
                log.exception("rollout_unreadable", share=self._share)
            self._told = True
            return
        if now.unreadable and not self._told:
            log.warning("rollout_unreadable", fields=now.unreadable, share=self._share)
        self._told = bool(now.unreadable)
        if "share" not in now.unreadable:
            self._share = now.share
