"""Arrivals keep to the clock."""

import pytest

from bench import asker


class Clock:
    """A clock that only sleeping, or a slow caller, moves."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def perf_counter(self) -> float:
        return self.now_s

    def sleep(self, wait_s: float) -> None:
        self.now_s += wait_s


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(asker, "time", clock)
    return clock


def test_arrivals_are_evenly_apart(clock: Clock) -> None:
    assert list(asker.arrivals(4, 2.0)) == [100.0, 100.5, 101.0, 101.5]
    assert clock.now_s == 101.5


def test_a_late_asker_does_not_move_those_that_follow(clock: Clock) -> None:
    due = []
    for at in asker.arrivals(4, 2.0):
        due.append(at)
        clock.now_s += 0.7 if len(due) == 1 else 0.0
    assert due == [100.0, 100.5, 101.0, 101.5]


def test_a_burst_is_due_at_once(clock: Clock) -> None:
    assert list(asker.arrivals(3, 0.0)) == [100.0] * 3
    assert clock.now_s == 100.0


def test_what_is_no_answer_ends_the_measurement() -> None:
    with pytest.raises(RuntimeError, match="not an answer"):
        asker._check({"workflow_id": "x", "status": "DEGRADED"})
    asker._check({"workflow_id": "x", "status": "SUCCEEDED"})
