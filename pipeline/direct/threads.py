"""The threads of the direct path: one for each workflow, and a few that parallel steps of all of them share."""

import threading
from collections.abc import Callable
from functools import partial
from typing import Final

AT_ONCE: Final = 4  # steps of one workflow: a question of thirty parts must not take everybody's threads
SEATS_A_FURTHER_THREAD: Final = 4


class NoThread(Exception):
    """The machine gives this process no further thread just now; nothing was taken."""


def threads_for(seats: int) -> int:
    """How many there may be at a time."""
    return seats + _further(seats)


def _further(seats: int) -> int:
    return max(AT_ONCE - 1, seats // SEATS_A_FURTHER_THREAD)


class Threads:
    """Those of so many seats; a thread is made when it is needed, and ends with its work."""

    def __init__(self, seats: int) -> None:
        self._further, self._lock = _further(seats), threading.Lock()

    def start(self, work: Callable[[], None]) -> None:
        """Do `work` on a seat's own thread; raises `NoThread`."""
        try:
            threading.Thread(target=work, name="baton-direct", daemon=True).start()
        except RuntimeError as error:
            raise NoThread(str(error)) from error

    def start_further(self, work: Callable[[], None]) -> bool:
        """Do `work` on one of the further threads; False when there is none."""
        with self._lock:
            if self._further == 0:
                return False
            self._further -= 1
        try:
            self.start(partial(self._lent, work))
        except NoThread:
            self._given_back()
            return False
        return True

    def _lent(self, work: Callable[[], None]) -> None:
        try:
            work()
        finally:
            self._given_back()

    def _given_back(self) -> None:
        with self._lock:
            self._further += 1
