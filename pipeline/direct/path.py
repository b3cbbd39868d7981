"""The direct path: a workflow's steps are taken by threads of this process, without a broker.

It does what a worker does, told by the same narrative (`pipeline.execution`); a retry is waited out here instead of
through Celery. Steps that can go side by side get further threads, as far as there are any, and else wait for each
other.

A seat comes before the workflow: with none left, the workflow goes another way, so that nothing piles up here. A
recorded workflow whose process dies is overdue like any other, and the workers take it over.
"""

import threading
from collections.abc import Sequence
from concurrent.futures import Future, wait
from typing import Final

from pipeline.direct.errand import Errand
from pipeline.direct.in_hand import InHand
from pipeline.direct.threads import Threads
from pipeline.ledger import Ledger
from state.transition import Send

STOPPED_WITHIN_S: Final = 1.0  # what was told to stop; only what waits for Valkey takes longer


class DirectPath:
    """Seats for `most` workflows at a time, and the threads that take their steps."""

    def __init__(self, most: int) -> None:
        self.in_hand = InHand()
        self.closed = threading.Event()
        self.threads = Threads(most)
        self._free, self._lock = most, threading.Lock()
        self._closing = False
        self._open: set[Future[None]] = set()

    def seat(self) -> "Seat | None":
        """A place for one workflow, to be run or left; None when there is none."""
        with self._lock:
            if self._free == 0 or self._closing:
                return None
            self._free -= 1
        return Seat(self)

    def close(self, within_s: float) -> list[Send]:
        """Take nothing more, give what runs `within_s` to end, then stop it; what was not done."""
        self._closing = True
        wait(list(self._open), within_s)
        self.closed.set()
        left = [send for send, _ in self.in_hand.held()]
        self.in_hand.stop_all()
        wait(list(self._open), STOPPED_WITHIN_S)  # a thread that outlives the interpreter may bring it down
        return left

    def occupied(self, done: "Future[None]") -> None:
        """A seat's workflow begins; `done` frees the seat."""
        self._open.add(done)
        done.add_done_callback(self._freed)

    def freed(self) -> None:
        """A seat is free again."""
        with self._lock:
            self._free += 1

    def _freed(self, done: "Future[None]") -> None:
        self._open.discard(done)
        self.freed()


class Seat:
    """A place for one workflow."""

    def __init__(self, path: DirectPath) -> None:
        self._path = path

    def leave(self) -> None:
        """Nothing is to be run after all."""
        self._path.freed()

    def run(self, ledger: Ledger, sends: Sequence[Send]) -> "Future[None]":
        """Take `sends` and all that they release; done when nothing is left to do here, whatever came of it.

        Raises `NoThread`, with nothing taken and the seat free again.
        """
        path = self._path
        errand = Errand(ledger, path.in_hand, path.threads, path.closed)
        path.occupied(errand.done)
        errand.begin(sends)
        return errand.done
