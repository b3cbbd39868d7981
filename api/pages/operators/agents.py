"""`/agents`: one card an agent, and an operator's word over its breaker."""

from collections.abc import Mapping
from typing import Annotated, Final, cast

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from pydantic import ValidationError
from starlette.datastructures import FormData

from api.access.caller import caller_of
from api.pages.board import REFRESH_MS, BoardRoute, page
from api.pages.operators.agent_cards import BUTTONS, card_of
from api.pages.operators.agents_now import read_standing
from api.pages.operators.notices import notices_of, store_notices
from api.problems import Problem
from api.routes.breakers import BreakerDesk, BreakerName, ModeBody
from breakers import Mode

router = APIRouter(prefix="/agents", route_class=BoardRoute, include_in_schema=False)
LASTS: Final[Mapping[str, str]] = {
    "": "until it is changed",
    "600": "10 minutes",
    "3600": "1 hour",
    "28800": "8 hours",
    "86400": "1 day",
}


@router.get("")
async def agents(request: Request) -> HTMLResponse:
    """The cards; what is wrong stands above them."""
    now = await read_standing(request)
    return page(
        request,
        "agents.html",
        cards=[card_of(agent) for agent in now.agents],
        notices=store_notices(now.fault) + notices_of(now.agents, now.now_ms),
        now_ms=now.now_ms,
        every_ms=REFRESH_MS,
    )


@router.get("/{agent}/mode")
async def asked_mode(request: Request, agent: BreakerName, to: Annotated[Mode, Query()]) -> HTMLResponse:
    """Say what a mode does, and ask for who, why and how long before it is set."""
    await _desk(request).known(agent)
    return _confirmation(request, agent, to)


@router.post("/{agent}/mode")
async def set_mode(request: Request, agent: BreakerName) -> RedirectResponse:
    """Set it for all processes, and go back to the card; fields as of `ModeBody`."""
    body = _body(await request.form())
    breaker = await _desk(request).known(agent)
    who = caller_of(request).acting_as(body.actor)
    await breaker.set_mode(body.mode, actor=who, reason=body.reason, lasts_s=body.lasts_s)
    return RedirectResponse(f"/agents#agent-{agent}", status_code=303)


def _confirmation(request: Request, agent: str, to: Mode) -> HTMLResponse:
    button = next(button for button in BUTTONS if button.mode is to)
    lasts = {} if to is Mode.AUTO else LASTS
    return page(request, "agent_mode.html", agent=agent, button=button, lasts=lasts)


def _body(form: FormData) -> ModeBody:
    said = {name: text for name, value in form.items() if (text := str(value).strip())}
    try:
        return ModeBody.model_validate(said)
    except ValidationError as error:
        faults = [f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors()]
        raise Problem(
            "invalid_request",
            "; ".join(faults),
            recovery_action="correct_request",
            suggestions=["Say who you are and why; both go into the audit."],
        ) from error


def _desk(request: Request) -> BreakerDesk:
    return cast("BreakerDesk", request.app.state.breakers)
