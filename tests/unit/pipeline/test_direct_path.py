"""Seats of the direct path: taken while somebody is at work, whatever becomes of who waits for it."""

import threading

from pipeline.direct.memory_ledger import MemoryLedger
from pipeline.direct.path import DirectPath
from state.model import Mode, NewStep, NewWorkflow
from state.transition import Send
from state.transitions import Verdict


class HeldUp(MemoryLedger):
    """Begins nothing until it is let go."""

    def __init__(self) -> None:
        super().__init__(NewWorkflow("ab" * 16, {"query": "q"}, Mode.INTERACTIVE, 60.0, (NewStep("a", "nlp", "q", 9),)))
        self.go = threading.Event()

    def begin(self, send: Send) -> Verdict:
        assert self.go.wait(10)
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
