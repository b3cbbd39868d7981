"""Valkey's outages: it is away, or takes no writes. How long a call is repeated, and who fails at once instead."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import redis
from tenacity import retry_if_exception, stop_after_delay, wait_random_exponential

from core.store_fault import StoreFault, fault_of
from state.errors import StoreUnavailable

LOOK_AGAIN_S: Final = 1.0

# A worker that has an agent's answer in its hands waits long: asking the agent again costs more.
REPORT_PATIENCE_S: Final = 120.0
PATIENCE_S: Final = 3.0
_REPORTS: Final = frozenset({"finish", "fail", "retry_later"})


def repeating(script: str) -> dict[str, Any]:
    """How tenacity repeats a transition that carries a token; the last error is raised as it is."""
    patience_s = REPORT_PATIENCE_S if script in _REPORTS else PATIENCE_S
    return {
        "retry": retry_if_exception(lambda error: fault_of(error) is not None),
        "stop": stop_after_delay(patience_s),
        "wait": wait_random_exponential(multiplier=0.05, max=1.0),
        "reraise": True,
    }


@contextmanager
def as_unavailable() -> Iterator[None]:
    """Tell an outage as `StoreUnavailable`."""
    try:
        yield
    except redis.RedisError as error:
        fault = fault_of(error)
        if fault is None:
            raise
        raise StoreUnavailable(str(error), fault) from error


class Outage:
    """A flag for callers that cannot wait: while it is up they fail at once; who only reads, only while Valkey is away.

    Who raises it looks each second whether it is over, on a task of its own: a server that does not even refuse
    keeps no caller waiting after the first. `look` raises what still keeps Valkey from taking writes.
    """

    def __init__(self, look: Callable[[], Awaitable[object]]) -> None:
        self._look = look
        self._looking: asyncio.Task[None] | None = None
        self._fault = StoreFault.AWAY

    @property
    def fault(self) -> StoreFault | None:
        """What was wrong with Valkey when somebody looked last."""
        return self._fault if self._looking is not None and not self._looking.done() else None

    @contextmanager
    def watched(self, *, writes: bool = False) -> Iterator[None]:
        """Fail at once while the flag is up; raise the flag when the call inside finds Valkey away or refused."""
        known = self.fault
        if known is not None and (writes or not known.reads):
            raise StoreUnavailable(f"{known.said}, a moment ago", known)
        try:
            with as_unavailable():
                yield
        except StoreUnavailable as error:
            self._fault = error.fault
            if self._looking is None or self._looking.done():
                self._looking = asyncio.create_task(self._until_over())
            raise

    def close(self) -> None:
        """Look no more."""
        if self._looking is not None:
            self._looking.cancel()

    async def _until_over(self) -> None:
        """Until nothing is wrong any more; what else it may answer is for the next caller to see."""
        while True:
            await asyncio.sleep(LOOK_AGAIN_S)
            try:
                await self._look()
            except redis.RedisError as error:
                fault = fault_of(error)
                if fault is None:
                    return
                self._fault = fault
            else:
                return
