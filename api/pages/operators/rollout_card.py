"""The rollout on the dashboard: a card, and a notice while Celery is rolled back, compared or coming back."""

from typing import Final

from api.pages.operators.notices import BAD, LATE, Notice
from api.routes.rollout import SAID
from state.rollout import Phase, Rollout

_MEANWHILE: Final = "Questions are answered by the direct path, in the API; background workflows go by Celery."
_AGAIN: Final = {
    Phase.ROLLED_BACK: "with 1 % of the sessions, then stage by stage; PUT /api/rollout decides otherwise",
    Phase.RETURNING: "with the next stage, if Celery is no worse than the direct path by then",
    Phase.COMPARING: "within two minutes, unless Celery is clearly worse",
}


def rollout_notices(now: Rollout) -> list[Notice]:
    """What to know about the share, if anything is out of the ordinary."""
    if now.phase is Phase.STEADY:
        return []
    why = f" {now.reason}" if now.reason else ""
    what = f"{SAID[now.phase]}{why}"
    share = "" if now.phase is Phase.ROLLED_BACK else f" {now.share:g} % of the sessions are on Celery."
    look = BAD if now.phase is Phase.ROLLED_BACK else LATE
    return [Notice("", look, what, now.since_ms, _MEANWHILE + share, _AGAIN[now.phase], now.until_ms or None)]
