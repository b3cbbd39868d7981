"""What to do about an agent's error: a pure decision, apart from the action.

Waits grow exponentially with jitter: equal jitter (half fixed, half random) for faults of transport, full jitter for
429, where many callers were told to come back at once (Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog
2015). Who waits for an open breaker comes back a little after it may let calls in, and spends no attempt on it.
When the budget has no retry left, only questions nobody waits for are tried again, after about the longest wait: a
crowd that failed at once comes back spread out.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass

from agents.errors import AgentError, CircuitOpen, RateLimited
from agents.registry import RetryPolicy
from state.model import Mode


@dataclass(frozen=True, slots=True)
class RetryIn:
    """Try again after `wait_s`; `called` is False when the agent was not called, so that no attempt is spent."""

    wait_s: float
    called: bool = True


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Call no more: something else answers instead if it can, else the step fails. `why` says which rule decided."""

    why: str


Decision = RetryIn | GiveUp


def decide(
    error: AgentError,
    tries: int,
    policy: RetryPolicy,
    time_left_s: float,
    *,
    mode: Mode,
    spread_s: float,
    take_retry: Callable[[], bool],
    draw: Callable[[], float] = random.random,
) -> Decision:
    """Decide after `tries` calls of the agent; `take_retry` takes one retry from the budget, asked last.

    Who waits for a breaker comes back within `spread_s` of the moment it may let calls in: a crowd that came at once
    would keep the workers busy with refusals while a probe is out, and fall upon an agent that is just back.
    `draw` gives uniform numbers in [0, 1).
    """
    if isinstance(error, CircuitOpen):
        return _wait_for_breaker(error, time_left_s, mode, spread_s, draw)
    if not error.may_retry:
        return GiveUp("not an error that another attempt could mend")
    if tries >= policy.max_attempts:
        return GiveUp(f"all {policy.max_attempts} attempts are used")
    wait_s = _backoff(error, tries, policy, draw)
    if wait_s >= time_left_s:
        return GiveUp(f"a retry in {wait_s:.1f} s could not finish in the {max(time_left_s, 0):.1f} s left")
    return RetryIn(wait_s) if take_retry() else _without_budget(wait_s, policy, time_left_s, mode, draw)


def _wait_for_breaker(
    error: CircuitOpen, time_left_s: float, mode: Mode, spread_s: float, draw: Callable[[], float]
) -> Decision:
    if mode is Mode.INTERACTIVE:
        return GiveUp("the breaker is open, and someone waits")
    opens_in_s = error.retry_after_s or 0.0
    then_left_s = time_left_s - opens_in_s
    if then_left_s <= 0:
        return GiveUp(f"the breaker lets nobody in for {opens_in_s:.1f} s, {max(time_left_s, 0):.1f} s are left")
    return RetryIn(opens_in_s + min(spread_s, then_left_s / 2) * draw(), called=False)


def _without_budget(
    wait_s: float, policy: RetryPolicy, time_left_s: float, mode: Mode, draw: Callable[[], float]
) -> Decision:
    wait_s = max(wait_s, policy.cap_s * (0.5 + 0.5 * draw()))
    if mode is Mode.INTERACTIVE or wait_s >= time_left_s:
        return GiveUp("the retry budget is used up")
    return RetryIn(wait_s)


def _backoff(error: AgentError, tries: int, policy: RetryPolicy, draw: Callable[[], float]) -> float:
    ceiling_s: float = min(policy.cap_s, policy.base_s * 2 ** (tries - 1))
    wait_s = ceiling_s * draw() if isinstance(error, RateLimited) else ceiling_s * (0.5 + 0.5 * draw())
    return max(wait_s, error.retry_after_s or 0.0)
