"""One workflow's steps in this process, from the first to the last that it can take."""

import threading
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future

from tenacity import RetryCallState, Retrying, retry_if_result, stop_when_event_set

from core.logging import get_logger, in_log
from pipeline.direct.in_hand import InHand, Taken
from pipeline.direct.threads import AT_ONCE, NoThread, Threads
from pipeline.execution import Nothing, Outcome, Released, Wait, run_step
from pipeline.ledger import Ledger
from state.errors import StoreUnavailable
from state.transition import Send

log = get_logger(__name__)


class Errand:
    """Those that wait for a thread, and how many threads are at it; `done` when none is, whatever came of it."""

    def __init__(self, ledger: Ledger, in_hand: InHand, threads: Threads, closed: threading.Event) -> None:
        self.done: Future[None] = Future()
        self.done.set_running_or_notify_cancel()  # who gives up waiting for it does not end it, nor free its seat
        self._ledger, self._in_hand, self._threads, self._closed = ledger, in_hand, threads, closed
        self._waiting: deque[Taken] = deque()
        self._at_it, self._lock = 1, threading.Lock()

    def begin(self, sends: Sequence[Send]) -> None:
        """Take `sends` and all that they release; raises `NoThread` when it is done before it began."""
        self._take(sends)
        try:
            self._threads.start(self._work)
        except NoThread:
            self._leave_waiting()
            self.done.set_result(None)
            raise

    def _work(self) -> None:
        """One thread: take what waits, until nothing does."""
        while (taken := self._next()) is not None:
            self._widen()
            self._follow(taken)

    def _next(self) -> Taken | None:
        with self._lock:
            if self._waiting and not self._closed.is_set():
                return self._waiting.popleft()
            self._at_it -= 1
            over = self._at_it == 0
        if over:
            self.done.set_result(None)
        return None

    def _widen(self) -> None:
        """While others wait, one thread more, which does the same; without one they wait for those at it."""
        with self._lock:
            if not self._waiting or self._at_it == AT_ONCE:
                return
            self._at_it += 1
        if not self._threads.start_further(self._work):
            with self._lock:
                self._at_it -= 1

    def _follow(self, taken: Taken) -> None:
        """Do the step, and take what it releases."""
        with in_log(workflow_id=taken.send.workflow_id, step=taken.send.step):
            try:
                outcome = self._patiently(taken)
                if isinstance(outcome, Released):
                    self._take(outcome.sends)
            except StoreUnavailable as error:
                log.warning("direct_left", error=str(error), meaning="the workers bring it back")
                self._leave_waiting()
            except Exception:
                log.exception("direct_broke")
            finally:
                self._in_hand.drop(taken)

    def _take(self, sends: Sequence[Send]) -> None:
        with self._lock:
            self._waiting += [self._in_hand.take(send) for send in sends]

    def _leave_waiting(self) -> None:
        """What nobody has begun is held here no longer."""
        with self._lock:
            left = list(self._waiting)
            self._waiting.clear()
        for taken in left:
            self._in_hand.drop(taken)

    def _patiently(self, taken: Taken) -> Outcome:
        """Do the step, again and again while it is to be tried again: `decide` bounds tries and time."""
        trying: Retrying = Retrying(
            retry=retry_if_result(_waits),
            wait=_wait_s,
            sleep=taken.sleep,
            stop=stop_when_event_set(self._closed),
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
