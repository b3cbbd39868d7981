"""Where nothing takes the direct path: why Celery's side looks bad by itself, or worse than it was.

A suspicion rolls nothing back; it leads to a comparison. So what was before may be from before the share changed.
"""

from collections.abc import Iterator

from pipeline.rollout.comparison import Difference, Pairs, differences, failed, without_worst
from pipeline.rollout.policy import Policy
from state.model import Path
from state.sides import Seen, Side, Slot, first_slot_ms, summed


def failing(since_ms: int, seen: Seen, policy: Policy) -> str:
    """Why Celery's side is bad by itself; "" when it is not."""
    every = (_failing(_lately(since_ms, seen, window_s), window_s, policy) for window_s in policy.failing_windows_s)
    return next((why for why in every if why), "")


def since_earlier(since_ms: int, seen: Seen, policy: Policy, below: float) -> str:
    """Why Celery's side looks worse than it was, `below` which chance; "" when it does not."""
    found = [
        one
        for window_s in policy.suspicion_windows_s
        for one in _since_earlier(_lately(since_ms, seen, window_s), seen, window_s, policy)
        if one.matters(policy)
    ]
    worst = min(found, key=lambda one: one.weighed, default=None)
    return worst.told("by Celery", "by Celery earlier") if worst and worst.weighed < below else ""


def _failing(recent: list[Slot], window_s: int, policy: Policy) -> str:
    sides = [slot.sides[Path.CELERY] for slot in recent]
    side = summed(sides)
    bad, asked = without_worst(sides, failed, failed(side))
    # In a minute few questions say little; in the longest window even five that failed are worth a comparison.
    enough = side.asked >= policy.asked_at_least or window_s == policy.failing_windows_s[-1]
    if enough and bad >= policy.bad_at_least and bad >= policy.failing_share * asked:
        return f"{side.failed} of {side.asked} questions by Celery failed within {window_s} s."
    return ""


def _since_earlier(recent: list[Slot], seen: Seen, window_s: int, policy: Policy) -> Iterator[Difference]:
    before = summed(slot.sides[Path.CELERY] for slot in seen.slots[: len(seen.slots) - len(recent)])
    # All of before stands beside the oldest recent slot: what counts is only that it is old enough to have ended.
    pairs: Pairs = [(slot.at_ms, slot.sides[Path.CELERY], Side() if at else before) for at, slot in enumerate(recent)]
    return differences(pairs, seen.now_ms, window_s, policy)


def _lately(since_ms: int, seen: Seen, window_s: int) -> list[Slot]:
    """What led to one comparison must not lead to the next."""
    first_ms = max(first_slot_ms(since_ms), seen.now_ms - window_s * 1000)
    return [slot for slot in seen.slots if slot.at_ms >= first_ms]
