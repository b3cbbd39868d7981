"""What the decision looks at: Celery's side against the direct one, over each window."""

from collections.abc import Iterator
from math import inf

from pipeline.rollout.comparison import Difference, differences
from pipeline.rollout.policy import Policy
from state.model import Path
from state.rollout import Phase, Rollout
from state.sides import Seen, Slot, first_slot_ms, less


def worse(now: Rollout, seen: Seen, policy: Policy) -> Iterator[Difference]:
    """Every measure over every window since the share last changed, and over all of that time."""
    first_ms = first_slot_ms(now.since_ms)
    policy = policy.within(now.phase, age_s(now, seen))
    for window_s in policy.windows_s:
        since_ms = max(first_ms, seen.now_ms - window_s * 1000)
        yield from _compared([slot for slot in seen.slots if slot.at_ms >= since_ms], seen, policy, window_s)
    if now.phase is not Phase.STEADY or seen.stage.sides[Path.CELERY].asked <= policy.first_asked:
        yield from of_stage(now, seen, policy)


def of_stage(now: Rollout, seen: Seen, policy: Policy) -> Iterator[Difference]:
    """Every measure over all that was asked since the share changed, or on the last day since then."""
    if not now.since_ms:
        return iter(())
    slots, stage = [slot for slot in seen.slots if slot.at_ms >= seen.stage.at_ms], seen.stage
    # What is older than the slots that are kept stands in front of them, at the stage's beginning.
    older = {path: less(stage.sides[path], [slot.sides[path] for slot in slots]) for path in Path}
    return _compared([Slot(stage.at_ms, older), *slots], seen, policy)


def age_s(now: Rollout, seen: Seen) -> float:
    """How long the share has been what it is."""
    return (seen.now_ms - now.since_ms) / 1000


def _compared(slots: list[Slot], seen: Seen, policy: Policy, at_most_s: float = inf) -> Iterator[Difference]:
    if not slots:
        return iter(())
    pairs = [(slot.at_ms, slot.sides[Path.CELERY], slot.sides[Path.DIRECT]) for slot in slots]
    return differences(pairs, seen.now_ms, min(at_most_s, (seen.now_ms - slots[0].at_ms) / 1000), policy)
