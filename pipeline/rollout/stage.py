"""How a stage of the return, or a comparison, stands: what was asked, what is needed, and whether there is doubt."""

from dataclasses import dataclass

from pipeline.rollout.policy import Policy
from pipeline.rollout.windows import age_s, of_stage
from state.model import Path
from state.rollout import Phase, Rollout
from state.sides import DAY_MS, Seen


@dataclass(frozen=True, slots=True)
class Stage:
    """`answered` are questions that ended on each side, failed ones too; each side needs `needed`.

    It ends at `ends_ms` at the earliest. `doubt` is the difference that holds it up, in a sentence, "" for none.
    """

    answered: dict[Path, int]
    needed: int
    ends_ms: int
    doubt: str

    @property
    def enough(self) -> bool:
        """Whether both sides have had their questions."""
        return min(self.answered.values()) >= self.needed


def stage_of(now: Rollout, seen: Seen, policy: Policy) -> Stage | None:
    """The one that is under way; None in a phase that has none."""
    if now.phase not in (Phase.RETURNING, Phase.COMPARING):
        return None
    comparing = now.phase is Phase.COMPARING
    ends_ms = now.since_ms + round(1000 * (policy.compare_s if comparing else policy.stage_s))
    answered = {path: side.answered + side.failed for path, side in seen.stage.sides.items()}
    needed = policy.asked_at_least if comparing else policy.stage_asked
    return Stage(answered, needed, ends_ms, doubt(now, seen, policy))


def doubt(now: Rollout, seen: Seen, policy: Policy) -> str:
    """The least likely difference of the stage, if it is in doubt."""
    found = [one for one in of_stage(now, seen, policy) if one.in_doubt(policy)]
    return min(found, key=lambda one: one.chance).told("by Celery", "direct") if found else ""


def idle(now: Rollout, seen: Seen, policy: Policy) -> bool:
    """Whether nobody has asked by Celery since the stage began, for so long that nobody may be within its share."""
    first_day = seen.stage.at_ms - now.since_ms < DAY_MS
    return first_day and not seen.stage.sides[Path.CELERY].asked and age_s(now, seen) >= policy.stage_idle_s
