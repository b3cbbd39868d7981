"""A live page's events, and in between whether Valkey is there: a stream that stands is no sign that it is."""

import asyncio
from collections.abc import AsyncIterator
from enum import StrEnum
from typing import Final

from api.watch import Watcher
from state.events import Event

LOOK_S: Final = 1.0


class Reach(StrEnum):
    """Whether what is told is up to date."""

    AWAY = "away"
    BACK = "back"


async def with_absences(events: AsyncIterator[Event], watcher: Watcher) -> AsyncIterator[Event | Reach]:
    """The events as they come, AWAY when Valkey can no longer be heard, and BACK when it can again."""
    heard, following = True, asyncio.ensure_future(anext(events, None))
    try:
        while True:
            await asyncio.wait({following}, timeout=LOOK_S)
            if watcher.listening is not heard:
                heard = watcher.listening
                yield Reach.BACK if heard else Reach.AWAY
            if following.done():
                event = following.result()
                if event is None:
                    return
                yield event
                following = asyncio.ensure_future(anext(events, None))
    finally:
        following.cancel()
