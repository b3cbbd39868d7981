"""`/api/rollout`: which share of the questions goes by Celery, why, and how the two paths compare."""

from dataclasses import asdict, replace
from typing import Any, Final

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from api.access.caller import caller_of
from api.desk import Desk
from api.problems import Problem, documented
from api.rollout_evaluator import policy_of
from core.clock import iso
from core.logging import get_logger
from core.settings import get_settings
from pipeline.rollout.comparison import Difference
from pipeline.rollout.policy import Policy
from pipeline.rollout.stage import stage_of
from pipeline.rollout.windows import worse
from state.audit import Action
from state.rollout import Event, Move, Phase, Rollout, change, current, newest_events
from state.sides import Seen, SlotReader
from state.transition import new_token

log = get_logger(__name__)
router = APIRouter(prefix="/api/rollout", tags=["rollout"])
EVENTS_SHOWN: Final = 20
SAID: Final = {
    Phase.STEADY: "As it was set.",
    Phase.COMPARING: "Celery looked worse: half of the sessions take the direct path for a while, to compare.",
    Phase.ROLLED_BACK: "Celery answered clearly worse: all sessions take the direct path until the cool-down ends.",
    Phase.RETURNING: "Celery comes back, stage by stage.",
}
UNREADABLE: Final = "Some of it was written by a newer release, or is broken: its share holds, and only PUT changes it."
WAY_OUT: Final = "PUT /api/rollout sets the share you want and ends this phase."
_EXAMPLE: Final[dict[str, Any]] = {"share": 25, "actor": "ann", "reason": "a quarter of the sessions"}


class ShareBody(BaseModel):
    """Another share for Celery; it ends a cool-down and a return that are under way."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": _EXAMPLE})

    share: float = Field(ge=0, le=100, description="Percent of the sessions on Celery; two decimals count.")
    actor: str = Field(min_length=1, max_length=200, description="Who says so.")
    reason: str = Field(min_length=1, max_length=500, description="Why.")
    version: int | None = Field(None, ge=0, description="The `version` you saw: 409 if it is another by now.")


@router.get("", summary="Celery's share, and how the paths compare", responses=documented({503: "The store is away"}))
async def show(request: Request) -> dict[str, Any]:
    """`differences` are Celery's side against the direct one, by window and measure, since the share last changed.

    `stage` says what a stage of the return, or a comparison, has and needs; null in other phases.
    """
    return await _view(request)


@router.put(
    "",
    summary="Change Celery's share",
    responses=documented({
        409: "It was changed meanwhile",
        422: "The request is not valid",
        503: "The store is away: wait and retry",
    }),
)
async def put(request: Request, body: ShareBody) -> dict[str, Any]:
    """Every API process follows within a second; a session that is on Celery stays there while the share grows."""
    store = _desk(request).store
    now = await current(store)
    seen = await SlotReader(store).read(now.since_ms)
    if body.version not in (None, now.version):
        raise _otherwise(now)
    caller = caller_of(request)
    actor = caller.acting_as(body.actor)
    after = replace(
        now,
        share=body.share,
        target=body.share,
        phase=Phase.STEADY,
        since_ms=seen.now_ms,
        until_ms=0,
        compared_ms=0,
        actor=actor,
        reason=body.reason,
        unreadable=(),
    )
    asked = Action(caller.name, "PUT /api/rollout", "/api/rollout", 200, body.actor, body.reason)
    if not await store.run(change(now, after, Move.SET, new_token(), asked=asked)):
        raise _otherwise(await current(store))
    request.state.audited = True
    log.info("rollout_changed", move=Move.SET, share=body.share, actor=actor, reason=body.reason)
    return await _view(request)


def _otherwise(now: Rollout) -> Problem:
    return Problem(
        "forbidden_by_status",
        f"The share was changed meanwhile: it is {now.share:g} %, version {now.version}, by {now.actor or 'nobody'}.",
        recovery_action="correct_request",
        suggestions=["Look at GET /api/rollout, then decide again."],
    )


async def _view(request: Request) -> dict[str, Any]:
    store = _desk(request).store
    now, events = await current(store), await newest_events(store, EVENTS_SHOWN)
    seen = await SlotReader(store).read(now.since_ms)
    policy = policy_of(get_settings())
    return {
        **view_of(now),
        "auto": get_settings().rollout_auto,
        "differences": [_difference(one) for one in worse(now, seen, policy)],
        "stage": _stage(now, seen, policy),
        "policy": asdict(policy),
        "events": [_event(event) for event in events],
    }


def view_of(now: Rollout) -> dict[str, Any]:
    """The switch as the API shows it: moments as text."""
    return {
        "share": now.share,
        "target": now.target,
        "phase": now.phase,
        "says": UNREADABLE if now.unreadable else SAID[now.phase],
        "unreadable": now.unreadable,
        "since": iso(now.since_ms or None),
        "next_stage_at": iso(now.until_ms or None),
        "rollbacks_in_a_row": now.strikes,
        "actor": now.actor,
        "reason": now.reason,
        "version": now.version,
    }


def _difference(one: Difference) -> dict[str, Any]:
    return {
        "measure": one.measure,
        "window_s": one.window_s,
        "celery": {"bad": one.bad, "asked": one.asked},
        "direct": {"bad": one.bad_there, "asked": one.asked_there},
        "limit_ms": one.limit_ms and round(one.limit_ms),
        "chance": one.chance,
    }


def _stage(now: Rollout, seen: Seen, policy: Policy) -> dict[str, Any] | None:
    """What the stage of the return, or the comparison, waits for."""
    if (stage := stage_of(now, seen, policy)) is None:
        return None
    return {
        "answered": stage.answered,
        "needed": stage.needed,
        "ends_at": iso(stage.ends_ms),
        "doubt": stage.doubt or None,
        "way_out": WAY_OUT,
    }


def _event(event: Event) -> dict[str, Any]:
    return {"at": iso(event.at_ms), "move": event.move, **view_of(event.after)}


def _desk(request: Request) -> Desk:
    desk: Desk = request.app.state.desk
    return desk
