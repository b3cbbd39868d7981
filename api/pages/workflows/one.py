"""The page of one workflow: its answer, what each step did when, and what may be done about it; live."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Annotated, Any, Final, cast

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from pydantic import ValidationError
from sse_starlette import EventSourceResponse, ServerSentEvent

from api.absences import Reach
from api.access.caller import Caller, caller_of
from api.access.roles import Role
from api.desk import Desk
from api.pages.ask import RESTS, PageRoute, WorkflowId, answer_view, reach_told, templates
from api.pages.statuses import LOOKS
from api.pages.steps import look_of
from api.pages.workflows.actions import actions_of
from api.pages.workflows.history import ON_A_PAGE, HistoryLine, history_lines
from api.pages.workflows.inspector import inspected
from api.pages.workflows.timeline import READ_EVENTS, timeline_of
from api.plan_picture.svg import plan_svg
from api.problems import Problem
from api.routes.control import for_one, run_again
from api.routes.wishes import RetryWish, Wish
from api.routes.workflows import unknown_workflow
from core.clock import now_ms
from core.settings import get_settings
from pipeline.answer import compose_answer
from pipeline.control import Verb
from state.history import newest_events
from state.model import WorkflowRecord

router = APIRouter(route_class=PageRoute, include_in_schema=False)
_ACTOR: Final = "page"
EventId = Annotated[str, Query(pattern=r"^([0-9]{1,15}-[0-9]{1,10})?$")]
Reason = Annotated[str, Form(max_length=500)]


@router.get("/workflows/{workflow_id}")
async def workflow(
    request: Request,
    workflow_id: WorkflowId,
    *,
    step: Annotated[str, Query(max_length=100)] = "",
    attempt: Annotated[int, Query(ge=0)] = 0,
    before: EventId = "",
    only: str = "",
) -> HTMLResponse:
    """All of it; `step` and `attempt` open the inspector, `before` and `only=failures` choose the history."""
    desk, caller = _desk(request), caller_of(request)
    record = await _record(desk, workflow_id)
    contents = await desk.store.contents(workflow_id)
    if contents is None:
        raise unknown_workflow(workflow_id)
    progress = await _progress(desk, record, caller)
    context = {
        **answer_view(record, compose_answer(record, contents)),
        **progress,
        **await _history(desk, record, before, failures=only == "failures"),
        "inspected": inspected(record, contents, progress["timeline"], step, attempt) if step else None,
        "step_look": look_of(record.steps[step], record.status) if step in record.steps else None,
        "newest_event": await desk.newest_event(workflow_id),
        "curl": _curl(request, workflow_id),
        "may_ask": caller.role.covers(Role.ASK),
        "logged_in": caller.key_id,
    }
    return templates.TemplateResponse(request, "workflow.html", context)


@router.get("/workflows/{workflow_id}/history")
async def history(request: Request, workflow_id: WorkflowId, before: EventId = "", only: str = "") -> HTMLResponse:
    """The lines that come before `before`, to stand below those that are there."""
    desk = _desk(request)
    record = await _record(desk, workflow_id)
    found = await _history(desk, record, before, failures=only == "failures")
    return templates.TemplateResponse(request, "workflow_history.html", {"record": record, **found})


@router.get("/workflows/{workflow_id}/live")
async def live(request: Request, workflow_id: WorkflowId, after: EventId = "") -> EventSourceResponse:
    """SSE: `history` with each new line, `state` and `progress` with all that changes, and a last `end`."""
    seen = request.headers.get("last-event-id") or after or "0-0"
    told = _live(_desk(request), workflow_id, seen, caller_of(request))
    return EventSourceResponse(told, ping=get_settings().sse_heartbeat_s)


def _offer(verb: Verb) -> None:
    async def one(request: Request, workflow_id: WorkflowId, reason: Reason = "") -> Response:
        await for_one(request, verb, workflow_id, Wish(actor=_ACTOR, reason=reason.strip()))
        return _back(workflow_id)

    router.add_api_route(f"/workflows/{{workflow_id}}/{verb}", one, methods=["POST"])


for _verb in Verb:
    _offer(_verb)


@router.post("/workflows/{workflow_id}/retry")
async def retry(
    request: Request, workflow_id: WorkflowId, reason: Reason = "", step: Annotated[str, Form()] = ""
) -> Response:
    """A new round, from `step` on or from what has no good output."""
    try:
        wish = RetryWish(actor=_ACTOR, reason=reason, step=step)
    except ValidationError as error:
        raise Problem(
            "invalid_request", f"There is no step {step[:100]}.", recovery_action="correct_request"
        ) from error
    await run_again(request, workflow_id, wish)
    return _back(workflow_id)


def _back(workflow_id: str) -> RedirectResponse:
    return RedirectResponse(f"/workflows/{workflow_id}", status_code=303)


async def _record(desk: Desk, workflow_id: str) -> WorkflowRecord:
    record = await desk.record(workflow_id)
    if record is None:
        raise unknown_workflow(workflow_id)
    return record


async def _progress(desk: Desk, record: WorkflowRecord, caller: Caller) -> dict[str, Any]:
    """What changes while it runs."""
    events = await newest_events(desk.store, record.workflow_id, READ_EVENTS)
    return {
        "record": record,
        "look": LOOKS[record.status],
        "timeline": timeline_of(record, events, now_ms()),
        "picture": await asyncio.to_thread(plan_svg, record),
        "actions": actions_of(record, caller),
    }


async def _history(desk: Desk, record: WorkflowRecord, before: str, *, failures: bool) -> dict[str, Any]:
    """One page of it; `older` is where the next one begins."""
    found = await newest_events(desk.store, record.workflow_id, ON_A_PAGE + 1, before=before, failures=failures)
    lines = history_lines(found[:ON_A_PAGE], record.created_ms)
    older = lines[-1].event_id if len(found) > ON_A_PAGE else ""
    return {"lines": lines, "older": older, "failures": failures, "before": before}


async def _live(desk: Desk, workflow_id: str, after: str, caller: Caller) -> AsyncIterator[ServerSentEvent]:
    drawn = "0-0"
    async for event in desk.events_and_absences(workflow_id, after):
        if isinstance(event, Reach):
            yield reach_told(event)
            continue
        began = time.monotonic()
        record = await desk.record(workflow_id)
        if record is None:
            break
        (line,) = history_lines([event], record.created_ms)
        yield ServerSentEvent(_row(line), event="history", id=event.event_id)
        if not event.follows(drawn):
            continue  # what was drawn has it already
        drawn = await desk.newest_event(workflow_id)
        context = await _progress(desk, record, caller)
        for part in ("state", "progress"):
            html = await asyncio.to_thread(templates.get_template(f"workflow_{part}.html").render, **context)
            yield ServerSentEvent(html, event=part, id=event.event_id)
        await asyncio.sleep(RESTS * (time.monotonic() - began))
    yield ServerSentEvent("ended", event="end")


def _row(line: HistoryLine) -> str:
    return templates.get_template("workflow_history.html").render(lines=[line], older="")


def _curl(request: Request, workflow_id: str) -> str:
    key = ' -H "Authorization: Bearer $API_KEY"' if getattr(request.app.state, "ring", None) else ""
    return f"curl -s{key} {request.base_url}api/workflow/{workflow_id}"


def _desk(request: Request) -> Desk:
    return cast("Desk", request.app.state.desk)
