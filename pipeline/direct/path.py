"""The direct path: a workflow's steps are taken by threads of this process, without a broker.

It does what a worker does, told by the same narrative (`pipeline.execution`); a retry is waited out here instead of
through Celery. Steps that follow each other stay on one thread, parallel ones take more.

A seat comes before the workflow: with none left, the workflow goes another way, so that nothing piles up here. A
recorded workflow whose process dies is overdue like any other, and the workers take it over.
"""

import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait

from tenacity import RetryCallState, Retrying, retry_if_result, stop_when_event_set

from core.logging import get_logger, in_log
from pipeline.direct.in_hand import InHand, Taken
from pipeline.execution import Nothing, Outcome, Released, Wait, run_step
from pipeline.ledger import Ledger
from state.errors import StoreUnavailable
from state.transition import Send

log = get_logger(__name__)
THREADS_A_SEAT = 4  # parallel steps of one workflow; a thread is made when it is first needed


class DirectPath:
    """Seats for `most` workflows at a time, and the threads that take their steps."""

    def __init__(self, most: int) -> None:
        self.in_hand = InHand()
        self.closed = threading.Event()
        self.threads = ThreadPoolExecutor(most * THREADS_A_SEAT, "baton-direct")
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
        self.threads.shutdown(wait=False, cancel_futures=True)
        return left

    def occupied(self, done: "Future[None]") -> None:
        """A seat's workflow has begun; `done` frees the seat."""
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
        """Take `sends` and all that they release; done when nothing is left to do here, whatever came of it."""
        errand = _Errand(self._path, ledger)
        self._path.occupied(errand.done)
        errand.take(sends)
        return errand.done


class _Errand:
    """One workflow's steps in this process."""

    def __init__(self, path: DirectPath, ledger: Ledger) -> None:
        self.done: Future[None] = Future()
        self.done.set_running_or_notify_cancel()  # who gives up waiting for it does not end it, nor free its seat
        self._path, self._ledger = path, ledger
        self._open, self._lock = 0, threading.Lock()

    def take(self, sends: Sequence[Send]) -> None:
        """A thread for each of them."""
        with self._lock:
            self._open += len(sends)
        for send in sends:
            self._path.threads.submit(self._follow, self._path.in_hand.take(send))

    def _follow(self, taken: Taken) -> None:
        """Take the step, then one of those that it released, and so on."""
        following: Taken | None = taken
        try:
            while following is not None and not self._path.closed.is_set():
                following = self._next(following)
        except StoreUnavailable as error:
            log.warning("direct_left", error=str(error), meaning="the workers bring it back")
        except Exception:
            log.exception("direct_broke")
        finally:
            with self._lock:
                self._open -= 1
                over = self._open == 0
            if over:
                self.done.set_result(None)

    def _next(self, taken: Taken) -> Taken | None:
        send = taken.send
        try:
            with in_log(workflow_id=send.workflow_id, step=send.step):
                outcome = self._patiently(taken)
        finally:
            self._path.in_hand.drop(taken)
        if not isinstance(outcome, Released) or not outcome.sends:
            return None
        following = self._path.in_hand.take(outcome.sends[0])
        self.take(outcome.sends[1:])
        return following

    def _patiently(self, taken: Taken) -> Outcome:
        """Do the step, again and again while it is to be tried again: `decide` bounds tries and time."""
        trying: Retrying = Retrying(
            retry=retry_if_result(_waits),
            wait=_wait_s,
            sleep=taken.sleep,
            stop=stop_when_event_set(self._path.closed),
            retry_error_callback=lambda _: Nothing("closing"),
        )
        outcome: Outcome = trying(self._once, taken)
        return outcome

    def _once(self, taken: Taken) -> Outcome:
        with taken.at_work():
            return run_step(self._ledger, taken.send)


def _waits(outcome: Outcome) -> bool:
    return isinstance(outcome, Wait)


def _wait_s(state: RetryCallState) -> float:
    outcome = state.outcome.result() if state.outcome else None
    return outcome.wait_s if isinstance(outcome, Wait) else 0.0
