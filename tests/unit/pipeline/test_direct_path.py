"""Seats and threads of the direct path: who has one, whatever becomes of who waits for it."""

import threading

import pytest

from pipeline.direct.memory_ledger import MemoryLedger
from pipeline.direct.path import DirectPath
from pipeline.direct.threads import AT_ONCE, NoThread
from state.model import Mode, NewStep, NewWorkflow
from state.transition import Send
from state.transitions import Verdict
from tests.no_thread import no_thread_to_be_had
from tests.processes import wait_for


class HeldUp(MemoryLedger):
    """Begins nothing until it is let go; `parts` steps that wait for nothing."""

    def __init__(self, parts: int = 1) -> None:
        steps = tuple(NewStep(f"part{number}", "nlp", "q", 9) for number in range(parts))
        super().__init__(NewWorkflow("ab" * 16, {"query": "q"}, Mode.INTERACTIVE, 60.0, steps))
        self.go = threading.Event()
        self.begun: list[str] = []
        self.at_once = self.most_at_once = 0
        self._counting = threading.Lock()

    def begin(self, send: Send) -> Verdict:
        with self._counting:
            self.begun.append(send.step)
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        assert self.go.wait(10)
        with self._counting:
            self.at_once -= 1
        return Verdict.GONE


def test_who_gives_up_waiting_frees_no_seat():
    path, ledger = DirectPath(1), HeldUp()
    seat = path.seat()
    assert seat is not None
    done = seat.run(ledger, ledger.start())
    assert not done.cancel()
    assert path.seat() is None
    ledger.go.set()
    done.result(10)
    assert path.seat() is not None
    assert path.in_hand.held() == []
    path.close(1)


def test_without_a_thread_nothing_is_held_and_the_seat_is_free():
    path, ledger = DirectPath(1), HeldUp(3)
    sends = ledger.start()
    for _ in range(3):
        seat = path.seat()
        assert seat is not None
        with no_thread_to_be_had(), pytest.raises(NoThread):
            seat.run(ledger, sends)
    assert (path.in_hand.held(), ledger.begun) == ([], [])
    ledger.go.set()
    seat = path.seat()
    assert seat is not None
    seat.run(ledger, sends).result(10)
    assert len(ledger.begun) == 3


def test_the_parts_of_one_question_take_so_many_threads_at_most():
    path, ledger = DirectPath(64), HeldUp(31)
    seat = path.seat()
    assert seat is not None
    done = seat.run(ledger, ledger.start())
    wait_for(lambda: ledger.at_once == AT_ONCE, "as many as there may be", 10)
    assert len(path.in_hand.held()) == 31, "the others are held, too: nobody else takes them"
    ledger.go.set()
    done.result(10)
    assert (len(ledger.begun), ledger.most_at_once, path.in_hand.held()) == (31, AT_ONCE, [])


def test_without_further_threads_the_parts_wait_for_each_other():
    path, ledger, over = DirectPath(1), HeldUp(5), threading.Event()
    while path.threads.start_further(over.wait):
        """Others have them all."""
    seat = path.seat()
    assert seat is not None
    done = seat.run(ledger, ledger.start())
    ledger.go.set()
    done.result(10)
    assert (len(ledger.begun), ledger.most_at_once) == (5, 1)
    over.set()
    with no_thread_to_be_had():
        assert not path.threads.start_further(over.wait)
    wait_for(lambda: path.threads.start_further(over.wait), "theirs to be given back", 10)
