"""The rollout's decision: stay, roll back, compare, return, advance. A pure function of what was seen.

STEADY        at the share somebody set. Clearly worse than the direct side -> ROLLED_BACK. Where the direct side gets
              too little to compare with, suspicion -> COMPARING.
COMPARING     half of the sessions on each side for a while, longer in doubt. Clearly worse -> ROLLED_BACK, else back
              to STEADY.
ROLLED_BACK   no session by Celery until the cool-down ends, then RETURNING.
RETURNING     stage after stage, each for a time and a number of questions on both sides, and only without doubt;
              clearly worse -> ROLLED_BACK with a longer cool-down.
"""

from dataclasses import dataclass, replace
from typing import Final

from pipeline.rollout.comparison import Difference, Measure
from pipeline.rollout.policy import Policy
from pipeline.rollout.stage import Stage, idle, stage_of
from pipeline.rollout.suspicion import failing, since_earlier
from pipeline.rollout.windows import age_s, worse
from state.model import Path
from state.rollout import Move, Phase, Rollout
from state.sides import Seen

ACTOR: Final = "rollout"
NO_WORSE: Final = "Celery's side was no worse than the direct one."


@dataclass(frozen=True, slots=True)
class Step:
    """A change to be made, and what made it necessary."""

    move: Move
    after: Rollout
    measure: Measure | None = None


def decide(now: Rollout, seen: Seen, policy: Policy) -> Step | None:
    """The change that is due, None to stay as it is."""
    if now.since_ms > seen.now_ms:
        return _clock_set_back(now, seen, policy)
    if now.phase is Phase.ROLLED_BACK:
        return _return(now, seen, policy) if seen.now_ms >= now.until_ms else None
    return _with_a_share(now, seen, policy) if now.share > 0 else None


def _with_a_share(now: Rollout, seen: Seen, policy: Policy) -> Step | None:
    if worst := _clearly_worse(now, seen, policy):
        return _roll_back(now, seen, policy, worst)
    if (stage := stage_of(now, seen, policy)) is None:
        return _compare(now, seen, policy)
    if seen.now_ms < stage.ends_ms:
        return None
    return (_advance if now.phase is Phase.RETURNING else _compared)(now, seen, policy, stage)


def _clearly_worse(now: Rollout, seen: Seen, policy: Policy) -> Difference | None:
    applied = policy.within(now.phase, age_s(now, seen))
    found = [one for one in worse(now, seen, policy) if one.matters(applied) and one.significant]
    return min(found, key=lambda one: one.chance, default=None)


def _changed(now: Rollout, seen: Seen, reason: str, share: float, phase: Phase) -> Rollout:
    return replace(now, share=share, phase=phase, since_ms=seen.now_ms, until_ms=0, actor=ACTOR, reason=reason)


def _clock_set_back(now: Rollout, seen: Seen, policy: Policy) -> Step:
    """Nothing would count until the server's clock is again where it was: count anew from here."""
    until_ms = min(now.until_ms, seen.now_ms + round(policy.cool_down_of(now.strikes) * 1000)) if now.until_ms else 0
    after = replace(
        _changed(now, seen, "The server's clock was set back: counted anew.", now.share, now.phase),
        until_ms=until_ms,
        compared_ms=min(now.compared_ms, seen.now_ms),
        rolled_back_ms=min(now.rolled_back_ms, seen.now_ms),
    )
    return Step(Move.CLOCK, after)


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


def _advance(now: Rollout, seen: Seen, policy: Policy, stage: Stage) -> Step | None:
    share = min(next((share for share in policy.stages if share > now.share), now.target), now.target)
    arrives = share >= now.target
    if stage.enough and not stage.doubt:
        asked = stage.answered[Path.CELERY]
        reason = f"No worse than the direct side over {asked} questions at {now.share:g} %."
    elif not arrives and idle(now, seen, policy):
        reason = f"Nobody asked by Celery at {now.share:g} %: the next stage is tried."
    else:
        return None
    phase = Phase.STEADY if arrives else Phase.RETURNING
    return Step(Move.ARRIVE if arrives else Move.ADVANCE, _changed(now, seen, reason, share, phase))


def _compare(now: Rollout, seen: Seen, policy: Policy) -> Step | None:
    waited_ms = seen.now_ms - now.compared_ms
    if now.share <= policy.thin_above or waited_ms < policy.compare_soon_s * 1000:
        return None
    # A comparison that some hiccup caused must not hide what begins soon after it.
    if waited_ms < policy.compare_again_s * 1000:
        reason = since_earlier(now.since_ms, seen, policy, policy.significance)
    else:
        reason = failing(now.since_ms, seen, policy) or since_earlier(now.since_ms, seen, policy, policy.suspicion)
    if not reason:
        return None
    after = replace(
        _changed(now, seen, reason, policy.compare_share, Phase.COMPARING), target=now.share, compared_ms=seen.now_ms
    )
    return Step(Move.COMPARE, after)


def _compared(now: Rollout, seen: Seen, policy: Policy, stage: Stage) -> Step | None:
    decided = stage.enough and not stage.doubt
    if not decided and age_s(now, seen) < policy.compare_most_s:
        return None
    reason = NO_WORSE if decided else _undecided(stage, policy)
    # The next one waits as if this one had been of the usual length: a long one must not lead straight into the next.
    after = replace(
        _changed(now, seen, reason, now.target, Phase.STEADY),
        compared_ms=seen.now_ms - round(policy.compare_s * 1000),
    )
    return Step(Move.COMPARED, after)


def _undecided(stage: Stage, policy: Policy) -> str:
    why = stage.doubt or f"{stage.answered[Path.CELERY]} questions by Celery, {stage.answered[Path.DIRECT]} direct."
    return f"Not decided within {policy.compare_most_s / 60:.0f} min: {why}"
