import pytest
import redis

from state.errors import StoreUnavailable
from state.outage import LOOK_AGAIN_S, PATIENCE_S, REPORT_PATIENCE_S, Outage, repeating


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


def fail(outage):
    with pytest.raises(StoreUnavailable), outage.watched():
        raise redis.ConnectionError("refused")


def test_after_an_absence_callers_fail_at_once_for_a_second_then_one_looks_again():
    clock = Clock()
    outage = Outage(clock)
    fail(outage)
    reached = []
    with pytest.raises(StoreUnavailable), outage.watched():
        reached.append("too early")
    clock.now += LOOK_AGAIN_S
    with outage.watched():
        reached.append("back")
    with outage.watched():
        reached.append("still there")
    assert reached == ["back", "still there"]


def test_other_errors_are_no_absence():
    outage = Outage(Clock())
    with pytest.raises(redis.ResponseError), outage.watched():
        raise redis.ResponseError("WRONGTYPE")
    with outage.watched():
        pass


def test_an_agent_s_answer_is_worth_more_patience():
    assert repeating("finish")["stop"].max_delay == REPORT_PATIENCE_S
    assert repeating("begin")["stop"].max_delay == PATIENCE_S
