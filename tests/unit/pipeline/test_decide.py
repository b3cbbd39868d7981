import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.errors import (
    AgentCrashed,
    AgentRefused,
    AgentTimeout,
    AgentUnavailable,
    InvalidResponse,
    RateLimited,
    Rejected,
)
from agents.registry import RetryPolicy
from pipeline.decide import Fail, RetryIn, decide

POLICY = RetryPolicy(max_attempts=3, base_s=1.0, cap_s=30.0)
RETRIED = [AgentUnavailable, AgentTimeout, AgentCrashed, RateLimited]


@pytest.mark.parametrize("kind", RETRIED)
def test_retried_errors_wait_until_the_attempts_are_used(kind):
    assert isinstance(decide(kind(), 1, POLICY, 100), RetryIn)
    assert isinstance(decide(kind(), 2, POLICY, 100), RetryIn)
    assert isinstance(decide(kind(), 3, POLICY, 100), Fail)


@pytest.mark.parametrize("kind", [AgentRefused, InvalidResponse, Rejected])
def test_the_others_fail_at_once(kind):
    assert isinstance(decide(kind(), 1, POLICY, 100), Fail)


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
    assert isinstance(decide(RateLimited(retry_after_s=7), 1, POLICY, 7), Fail)
    assert isinstance(decide(AgentTimeout(), 1, POLICY, 0.2), Fail)


@given(tries=st.integers(1, 50), draw=st.floats(0, 1, exclude_max=True))
def test_waits_stay_between_half_the_ceiling_and_the_cap(tries, draw):
    policy = RetryPolicy(max_attempts=100, base_s=1.0, cap_s=30.0)
    decision = decide(AgentUnavailable(), tries, policy, 1e9, draw=lambda: draw)
    ceiling = min(30.0, 2.0 ** (tries - 1))
    assert isinstance(decision, RetryIn)
    assert ceiling / 2 <= decision.wait_s <= ceiling
