from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.errors import (
    AgentCrashed,
    AgentRefused,
    AgentTimeout,
    AgentUnavailable,
    CircuitOpen,
    InvalidResponse,
    RateLimited,
    Rejected,
)
from agents.registry import RetryPolicy
from pipeline.decide import GiveUp, RetryIn
from pipeline.decide import decide as decide_with
from state.model import Mode

decide = partial(decide_with, mode=Mode.INTERACTIVE, spread_s=1.0, take_retry=lambda: True)
POLICY = RetryPolicy(max_attempts=3, base_s=1.0, cap_s=30.0)
RETRIED = [AgentUnavailable, AgentTimeout, AgentCrashed, RateLimited]


@pytest.mark.parametrize("kind", RETRIED)
def test_retried_errors_wait_until_the_attempts_are_used(kind):
    assert isinstance(decide(kind(), 1, POLICY, 100), RetryIn)
    assert isinstance(decide(kind(), 2, POLICY, 100), RetryIn)
    assert isinstance(decide(kind(), 3, POLICY, 100), GiveUp)


@pytest.mark.parametrize("kind", [AgentRefused, InvalidResponse, Rejected])
def test_the_others_fail_at_once(kind):
    assert isinstance(decide(kind(), 1, POLICY, 100), GiveUp)


def test_an_agent_may_ask_for_a_retry():
    assert isinstance(decide(AgentRefused(recovery_action="retry"), 1, POLICY, 100), RetryIn)


def test_jitter_is_equal_for_transport_and_full_for_429():
    assert decide(AgentTimeout(), 2, POLICY, 100, draw=lambda: 0.0) == RetryIn(1.0)
    assert decide(AgentTimeout(), 2, POLICY, 100, draw=lambda: 0.5) == RetryIn(1.5)
    assert decide(RateLimited(), 2, POLICY, 100, draw=lambda: 0.5) == RetryIn(1.0)
    assert decide(RateLimited(), 2, POLICY, 100, draw=lambda: 0.0) == RetryIn(0.0)


def test_retry_after_is_a_lower_bound():
    assert decide(RateLimited(retry_after_s=7), 1, POLICY, 100, draw=lambda: 0.5) == RetryIn(7)
    assert decide(AgentUnavailable(retry_after_s=0.1), 1, POLICY, 100, draw=lambda: 0.5) == RetryIn(0.75)


def test_no_retry_that_cannot_finish_in_time():
    assert isinstance(decide(RateLimited(retry_after_s=7), 1, POLICY, 7), GiveUp)
    assert isinstance(decide(AgentTimeout(), 1, POLICY, 0.2), GiveUp)


@given(tries=st.integers(1, 50), draw=st.floats(0, 1, exclude_max=True))
def test_waits_stay_between_half_the_ceiling_and_the_cap(tries, draw):
    policy = RetryPolicy(max_attempts=100, base_s=1.0, cap_s=30.0)
    decision = decide(AgentUnavailable(), tries, policy, 1e9, draw=lambda: draw)
    ceiling = min(30.0, 2.0 ** (tries - 1))
    assert isinstance(decision, RetryIn)
    assert ceiling / 2 <= decision.wait_s <= ceiling


def test_a_retry_needs_a_token_of_the_budget_and_takes_it_only_when_it_is_made():
    taken = []

    def take_retry():
        taken.append(1)
        return False

    assert decide(AgentTimeout(), 1, POLICY, 100, take_retry=take_retry) == GiveUp("the retry budget is used up")
    assert len(taken) == 1
    decide(AgentTimeout(), 3, POLICY, 100, take_retry=take_retry)
    decide(AgentTimeout(), 1, POLICY, 0.1, take_retry=take_retry)
    decide(Rejected(), 1, POLICY, 100, take_retry=take_retry)
    assert len(taken) == 1


def test_an_open_breaker_is_waited_for_only_when_nobody_waits_for_the_answer():
    refusal = CircuitOpen(retry_after_s=40)
    assert isinstance(decide(refusal, 1, POLICY, 100), GiveUp)
    background = partial(decide, mode=Mode.BACKGROUND, draw=lambda: 0.5)
    assert background(refusal, 1, POLICY, 100) == RetryIn(40.5, called=False)
    assert background(refusal, 3, POLICY, 100, take_retry=lambda: False) == RetryIn(40.5, called=False)
    assert isinstance(background(refusal, 1, POLICY, 40), GiveUp)


def test_without_a_token_only_what_nobody_waits_for_is_tried_again_after_the_longest_wait():
    background = partial(decide, mode=Mode.BACKGROUND, take_retry=lambda: False)
    assert background(AgentUnavailable(), 1, POLICY, 100, draw=lambda: 0.0) == RetryIn(15.0)
    assert background(AgentUnavailable(), 2, POLICY, 100, draw=lambda: 0.5) == RetryIn(22.5)
    assert background(AgentUnavailable(retry_after_s=40), 1, POLICY, 100) == RetryIn(40.0)
    assert isinstance(background(AgentUnavailable(), 1, POLICY, 15, draw=lambda: 0.0), GiveUp)
    assert isinstance(background(AgentUnavailable(), 3, POLICY, 100), GiveUp)


@given(opens_in_s=st.floats(0, 200), time_left_s=st.floats(0, 200), draw=st.floats(0, 1, exclude_max=True))
def test_who_waits_for_a_breaker_comes_back_spread_out_and_in_time(opens_in_s, time_left_s, draw):
    decision = decide(CircuitOpen(retry_after_s=opens_in_s), 1, POLICY, time_left_s, mode=Mode.BACKGROUND,
                      spread_s=10.0, draw=lambda: draw)
    if opens_in_s >= time_left_s:
        assert isinstance(decision, GiveUp)
    else:
        assert isinstance(decision, RetryIn)
        assert opens_in_s <= decision.wait_s <= min(opens_in_s + 10, time_left_s)


def test_a_crowd_is_spread_over_the_whole_time():
    draws = [number / 10 for number in range(10)]
    waits = [decide(CircuitOpen(retry_after_s=1), 1, POLICY, 100, mode=Mode.BACKGROUND, spread_s=10.0,
                    draw=lambda draw=draw: draw).wait_s for draw in draws]
    assert waits == [1 + 10 * draw for draw in draws]
