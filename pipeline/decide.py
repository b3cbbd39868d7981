"""What to do about an agent's error: a pure decision, apart from the action.

Waits grow exponentially with jitter: equal jitter (half fixed, half random) for faults of transport, full jitter for
429, where many callers were told to come back at once (Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog
2015).
"""

import random
from collections.abc import Callable
from dataclasses import dataclass

from agents.errors import AgentError, RateLimited
from agents.registry import RetryPolicy


@dataclass(frozen=True, slots=True)
class RetryIn:
    """Try again after `wait_s`."""

    wait_s: float


@dataclass(frozen=True, slots=True)
class Fail:
    """Give up; `why` says for the log which rule decided."""

    why: str


Decision = RetryIn | Fail


def decide(
    error: AgentError, tries: int, policy: RetryPolicy, time_left_s: float, draw: Callable[[], float] = random.random
) -> Decision:
    """Decide after `tries` calls of the agent; `draw` gives uniform numbers in [0, 1)."""
    if not error.may_retry:
        return Fail("not an error that another attempt could mend")
    if tries >= policy.max_attempts:
        return Fail(f"all {policy.max_attempts} attempts are used")
    wait_s = _backoff(error, tries, policy, draw)
    if wait_s >= time_left_s:
        return Fail(f"a retry in {wait_s:.1f} s could not finish in the {max(time_left_s, 0):.1f} s left")
    return RetryIn(wait_s)


def _backoff(error: AgentError, tries: int, policy: RetryPolicy, draw: Callable[[], float]) -> float:
    ceiling_s: float = min(policy.cap_s, policy.base_s * 2 ** (tries - 1))
    wait_s = ceiling_s * draw() if isinstance(error, RateLimited) else ceiling_s * (0.5 + 0.5 * draw())
    return max(wait_s, error.retry_after_s or 0.0)
