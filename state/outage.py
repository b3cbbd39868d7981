"""Valkey's absences: which errors mean it is away, how long a call is repeated, and who fails at once instead."""

import time
from collections.abc import Callable, Iterator
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
    """A flag for callers that cannot wait: while it is up they fail at once; each second it is tested anew."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._look_again_at = 0.0

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Fail at once while the flag is up; raise the flag when the call inside finds Valkey away."""
        if self._clock() < self._look_again_at:
            raise StoreUnavailable("Valkey was away less than a second ago")
        try:
            with as_unavailable():
                yield
        except StoreUnavailable:
            self._look_again_at = self._clock() + LOOK_AGAIN_S
            raise
        self._look_again_at = 0.0
