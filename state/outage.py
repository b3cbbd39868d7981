"""Valkey's absences: which errors mean it is away, how long a call is repeated, and who fails at once instead."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import redis
from tenacity import retry_if_exception_type, stop_after_delay, wait_random_exponential

from state.errors import StoreUnavailable

AWAY: Final = (redis.ConnectionError, redis.TimeoutError, redis.exceptions.BusyLoadingError)
LOOK_AGAIN_S: Final = 1.0

# A worker that has an agent's answer in its hands waits long: asking the agent again costs more.
REPORT_PATIENCE_S: Final = 120.0
PATIENCE_S: Final = 3.0
_REPORTS: Final = frozenset({"finish", "fail", "retry_later"})


def repeating(script: str) -> dict[str, Any]:
    """How tenacity repeats a transition that carries a token; the last error is raised as it is."""
    patience_s = REPORT_PATIENCE_S if script in _REPORTS else PATIENCE_S
    return {
        "retry": retry_if_exception_type(AWAY),
        "stop": stop_after_delay(patience_s),
        "wait": wait_random_exponential(multiplier=0.05, max=1.0),
        "reraise": True,
    }


@contextmanager
def as_unavailable() -> Iterator[None]:
    """Tell an absence as `StoreUnavailable`."""
    try:
        yield
    except AWAY as error:
        raise StoreUnavailable(str(error)) from error


class Outage:
    """A flag for callers that cannot wait: while it is up they fail at once.

    Who raises it looks each second whether Valkey is back, on a task of its own: a server that does not even refuse
    keeps no caller waiting after the first.
    """

    def __init__(self, look: Callable[[], Awaitable[object]], every_s: float = LOOK_AGAIN_S) -> None:
        self._look, self._every_s = look, every_s
        self._looking: asyncio.Task[None] | None = None

    @property
    def up(self) -> bool:
        """Whether Valkey was away when somebody looked last."""
        return self._looking is not None and not self._looking.done()

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Fail at once while the flag is up; raise the flag when the call inside finds Valkey away."""
        if self.up:
            raise StoreUnavailable("Valkey was away a moment ago")
        try:
            with as_unavailable():
                yield
        except StoreUnavailable:
            if not self.up:
                self._looking = asyncio.create_task(self._until_back())
            raise

    def close(self) -> None:
        """Look no more."""
        if self._looking is not None:
            self._looking.cancel()

    async def _until_back(self) -> None:
        """Until it answers, whatever it answers."""
        while True:
            await asyncio.sleep(self._every_s)
            try:
                await self._look()
            except AWAY:
                continue
            return
