"""A time limit for a statement, kept from outside: DuckDB has none of its own."""

from threading import Event, Thread
from types import TracebackType
from typing import Self

import duckdb

_REPEAT_S = 0.05


class Watchdog:
    """Interrupts `connection` once `limit_s` is over, and again until the block is left.

    Again, because an interrupt that arrives between two steps of the client is lost.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, limit_s: float) -> None:
        self._connection = connection
        self._limit_s = limit_s
        self._done = Event()
        self._thread = Thread(target=self._watch, name="statement-watchdog", daemon=True)
        self.fired = False

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._done.set()
        self._thread.join()  # the connection is closed next, and must not be interrupted then

    def _watch(self) -> None:
        wait_s = self._limit_s
        while not self._done.wait(wait_s):
            self.fired = True
            self._connection.interrupt()
            wait_s = _REPEAT_S
