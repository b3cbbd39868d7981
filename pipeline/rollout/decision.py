"""The rollout's decision: stay, roll back, compare, return, advance. A pure function of what was seen.

STEADY        at the share somebody set. Clearly worse than the direct side -> ROLLED_BACK. Where the direct side gets
              too little to compare with, suspicion -> COMPARING.
COMPARING     half of the sessions on each side for a while. Clearly worse -> ROLLED_BACK, else back to STEADY.
ROLLED_BACK   no session by Celery until the cool-down ends, then RETURNING.
RETURNING     stage after stage, each for a time and a number of questions, and only without doubt; clearly worse ->
              ROLLED_BACK with a longer cool-down.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from pipeline.rollout.comparison import Difference, Measure, Pairs, differences
from pipeline.rollout.policy import Policy
from state.model import Path
from state.rollout import Move, Phase, Rollout
from state.sides import SLOT_MS, Seen, Side, Slot, summed

ACTOR = "rollout"
_SETTLES_MS = 1_000  # until every API process has the new share


@dataclass(frozen=True, slots=True)
class Step:
    """A change to be made, and what made it necessary."""

    move: Move
    after: Rollout
    measure: Measure | None = None


def decide(now: Rollout, seen: Seen, policy: Policy) -> Step | None:
    """The change that is due, None to stay as it is."""
    if now.phase is Phase.ROLLED_BACK:
        return _return(now, seen, policy) if seen.now_ms >= now.until_ms else None
    if now.share <= 0:
        return None
    found = list(_found(now, seen, policy))
    if worst := _worst([one for one in found if one.significant], 1.0):
        return _roll_back(now, seen, policy, worst)
    if now.phase is Phase.RETURNING:
        return None if _worst(found, policy.doubt) else _advance(now, seen, policy)
    if now.phase is Phase.COMPARING:
        return _compared(now, seen) if seen.now_ms - now.since_ms >= policy.compare_s * 1000 else None
    return _compare(now, seen, policy)


def worse(now: Rollout, seen: Seen, policy: Policy) -> Iterator[Difference]:
    """Celery's side against the direct one: every measure over every window since the share last changed."""
    first_ms = _first_slot_ms(now)
    policy = policy.comparing if now.phase is Phase.COMPARING else policy
    for window_s in policy.windows_s:
        since_ms = max(first_ms, seen.now_ms - window_s * 1000)
        pairs = [
            (slot.at_ms, slot.sides[Path.CELERY], slot.sides[Path.DIRECT])
            for slot in seen.slots
            if slot.at_ms >= since_ms
        ]
        if pairs:
            yield from differences(pairs, seen.now_ms, min(window_s, (seen.now_ms - pairs[0][0]) / 1000), policy)


def _found(now: Rollout, seen: Seen, policy: Policy) -> Iterator[Difference]:
    return (one for one in worse(now, seen, policy) if one.matters(policy))


def _worst(found: list[Difference], below: float) -> Difference | None:
    worst = min(found, key=lambda one: one.chance, default=None)
    return worst if worst and worst.chance < below else None


def _first_slot_ms(now: Rollout) -> int:
    """Earlier slots hold questions that were shared out otherwise."""
    return -(-(now.since_ms + _SETTLES_MS) // SLOT_MS) * SLOT_MS if now.since_ms else 0


def _changed(now: Rollout, seen: Seen, reason: str, share: float, phase: Phase) -> Rollout:
    return replace(
        now,
        share=share,
        phase=phase,
        since_ms=seen.now_ms,
        until_ms=0,
        mark=seen.ended[Path.CELERY],
        actor=ACTOR,
        reason=reason,
    )


def _roll_back(now: Rollout, seen: Seen, policy: Policy, worst: Difference) -> Step:
    forgiven_ms = now.rolled_back_ms + (policy.cool_down_of(now.strikes) + policy.forgiven_s) * 1000
    strikes = 1 if not now.strikes or seen.now_ms >= forgiven_ms else now.strikes + 1
    reason = worst.told("by Celery", "direct")
    after = replace(
        _changed(now, seen, reason, 0.0, Phase.ROLLED_BACK),
        until_ms=seen.now_ms + round(policy.cool_down_of(strikes) * 1000),
        strikes=strikes,
        rolled_back_ms=seen.now_ms,
    )
    return Step(Move.ROLL_BACK, after, worst.measure)


def _return(now: Rollout, seen: Seen, policy: Policy) -> Step:
    share = min(policy.stages[0], now.target)
    return Step(Move.RETURN, _changed(now, seen, "The cool-down is over.", share, Phase.RETURNING))


def _advance(now: Rollout, seen: Seen, policy: Policy) -> Step | None:
    answered = seen.ended[Path.CELERY] - now.mark
    if seen.now_ms - now.since_ms < policy.stage_s * 1000 or answered < policy.stage_asked:
        return None
    share = min(next((stage for stage in policy.stages if stage > now.share), now.target), now.target)
    arrived = share >= now.target
    reason = f"No worse than the direct side over {answered} questions at {now.share:g} %."
    phase = Phase.STEADY if arrived else Phase.RETURNING
    return Step(Move.ARRIVE if arrived else Move.ADVANCE, _changed(now, seen, reason, share, phase))


def _compare(now: Rollout, seen: Seen, policy: Policy) -> Step | None:
    waited_ms = seen.now_ms - now.compared_ms
    if now.share <= policy.thin_above or waited_ms < policy.compare_soon_s * 1000:
        return None
    # A comparison that some hiccup caused must not hide what begins soon after it.
    if waited_ms < policy.compare_again_s * 1000:
        reason = _since_earlier(now, seen, policy, policy.significance)
    else:
        reason = _failing(now, seen, policy) or _since_earlier(now, seen, policy, policy.suspicion)
    if not reason:
        return None
    after = replace(
        _changed(now, seen, reason, policy.compare_share, Phase.COMPARING), target=now.share, compared_ms=seen.now_ms
    )
    return Step(Move.COMPARE, after)


def _compared(now: Rollout, seen: Seen) -> Step:
    reason = "Celery's side was no worse than the direct one."
    return Step(Move.COMPARED, _changed(now, seen, reason, now.target, Phase.STEADY))


def _lately(now: Rollout, seen: Seen, policy: Policy) -> list[Slot]:
    since_ms = max(_first_slot_ms(now), seen.now_ms - policy.windows_s[-1] * 1000)
    return [slot for slot in seen.slots if slot.at_ms >= since_ms]


def _failing(now: Rollout, seen: Seen, policy: Policy) -> str:
    """Why Celery's side is bad by itself; "" when it is not."""
    recent = [slot for slot in _lately(now, seen, policy) if slot.at_ms >= seen.now_ms - 60_000]
    side = summed(slot.sides[Path.CELERY] for slot in recent)
    failing = side.failed >= policy.bad_at_least and side.failed >= policy.failing_share * side.asked
    if failing and side.asked >= policy.asked_at_least:
        return f"{side.failed} of {side.asked} questions by Celery failed within 60 s."
    return ""


def _since_earlier(now: Rollout, seen: Seen, policy: Policy, below: float) -> str:
    """Why Celery's side looks worse than it was, `below` which chance; "" when it does not."""
    slots, found = _lately(now, seen, policy), list[Difference]()
    for window_s in policy.suspicion_windows_s:
        recent = [slot for slot in slots if slot.at_ms >= seen.now_ms - window_s * 1000]
        before = summed(slot.sides[Path.CELERY] for slot in slots[: len(slots) - len(recent)])
        # All of before stands beside the oldest recent slot: what counts is only that it is old enough to have ended.
        pairs: Pairs = [
            (slot.at_ms, slot.sides[Path.CELERY], Side() if at else before) for at, slot in enumerate(recent)
        ]
        found += [one for one in differences(pairs, seen.now_ms, window_s, policy) if one.matters(policy)]
    worst = _worst(found, below)
    return worst.told("by Celery", "by Celery earlier") if worst else ""
