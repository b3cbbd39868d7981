"""The rollout on the dashboard: a card, and notices of what is out of the ordinary."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from api.pages.operators.notices import BAD, LATE, Notice
from api.rollout_evaluator import policy_of
from api.routes.rollout import SAID, UNREADABLE
from core.settings import get_settings
from pipeline.rollout.stage import Stage, stage_of
from state.model import Overflow, Path
from state.rollout import Phase, Rollout, current
from state.sides import SlotReader
from state.store import AsyncStore

_MEANWHILE: Final = (
    "Questions are answered by the direct path, in the API; background workflows go by Celery, "
    "and so does a question that finds no seat there."
)
_AGAIN: Final = {
    Phase.ROLLED_BACK: "with 1 % of the sessions, then stage by stage; PUT /api/rollout decides otherwise",
    Phase.RETURNING: "with the next stage, if Celery is no worse than the direct path by then",
    Phase.COMPARING: "as soon as it is decided, within twenty minutes, unless Celery is clearly worse",
}


_BY_HAND: Final = "when somebody sets a share: PUT /api/rollout"
_OVERFLOWS: Final = {
    Overflow.NO_SEAT: ("no seat on the direct path", "Celery", "DIRECT_CONCURRENCY gives an API process more seats"),
    Overflow.QUEUE_FULL: ("Celery's queue full", "the direct path", "more workers keep it short"),
}


def overflow_notices(overflows: Mapping[Overflow, int], within: str) -> list[Notice]:
    """Which questions took the other path than the share says."""
    found = []
    for why, count in overflows.items():
        if count:
            missing, path, way_out = _OVERFLOWS[why]
            what = f"Within {within}, {count:,} {'question' if count == 1 else 'questions'} found {missing}."
            meanwhile = f"They are answered by {path} instead, and are on neither side of the rollout."
            found.append(Notice("", LATE, what, None, meanwhile, f"with each question; {way_out}"))
    return found


@dataclass(frozen=True, slots=True)
class RolloutNow:
    """The switch, and how its stage stands if it has one."""

    switch: Rollout
    stage: Stage | None = None


async def read_rollout_now(store: AsyncStore) -> RolloutNow:
    """As it stands; what was asked is only read while it is waited for. Raises `StoreUnavailable`."""
    now = await current(store)
    if now.phase not in (Phase.RETURNING, Phase.COMPARING):
        return RolloutNow(now)
    seen = await SlotReader(store).read(now.since_ms)
    return RolloutNow(now, stage_of(now, seen, policy_of(get_settings())))


def rollout_notices(seen: RolloutNow) -> list[Notice]:
    """What to know about the share, if anything is out of the ordinary."""
    now = seen.switch
    if now.unreadable:
        what = f"The rollout's switch cannot be read here ({', '.join(now.unreadable)}). {UNREADABLE}"
        return [Notice("", LATE, what, None, f"{now.share:g} % of the sessions are on Celery.", _BY_HAND)]
    if now.phase is Phase.STEADY:
        return []
    why = f" {now.reason}" if now.reason else ""
    what = f"{SAID[now.phase]}{why}"
    share = "" if now.phase is Phase.ROLLED_BACK else f" {now.share:g} % of the sessions are on Celery."
    look = BAD if now.phase is Phase.ROLLED_BACK else LATE
    again = f"{_AGAIN[now.phase]}{_waits(seen.stage) if seen.stage else ''}"
    return [Notice("", look, what, now.since_ms, _MEANWHILE + share, again, now.until_ms or None)]


def _waits(stage: Stage) -> str:
    if stage.doubt:
        return f". In doubt: {stage.doubt} PUT /api/rollout decides otherwise"
    if not stage.enough:
        so_far = f"so far {stage.answered[Path.CELERY]} by Celery and {stage.answered[Path.DIRECT]} direct"
        return f". It waits for {stage.needed} questions on each side, {so_far}; PUT /api/rollout decides otherwise"
    return ""
