"""`/api/workflow/{id}`: answer, status, events, and the answer in other forms."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Header, Path, Request
from fastapi.responses import Response
from pydantic import BaseModel
from sse_starlette import EventSourceResponse, ServerSentEvent

from agents.viz.render import NotDrawable, png_of, svg_of
from api import etag
from api.desk import Desk, status_of_end
from api.problems import Problem, documented
from core.clock import iso
from pipeline.answer import Answer
from pipeline.table import rows_as_csv
from state.events import Gap
from state.model import StepRecord, StepStatus, WorkflowRecord, WorkflowStatus

router = APIRouter(prefix="/api/workflow", tags=["workflows"])
WorkflowId = Annotated[str, Path(pattern=r"^[0-9a-f]{32}$", description="32 hexadecimal digits.")]
_EVENT_ID = re.compile(r"\d{1,15}-\d{1,10}")
HEARTBEAT_S = 15
_PROBLEMS = documented(
    {
        404: "No such workflow, or it has expired, or it ended without this part",
        422: "The request is not valid",
        503: "The store is away: wait and retry",
    }
)
_PART_PROBLEMS = _PROBLEMS | documented({409: "It is not there yet: wait and retry"})


class StepView(BaseModel):
    """Where one step stands."""

    step: str
    agent: str
    status: StepStatus
    attempt: int
    takeovers: int
    started_at: str | None
    finished_at: str | None
    error: dict[str, Any] | None


class StatusView(BaseModel):
    """Where the workflow stands."""

    workflow_id: str
    status: WorkflowStatus
    final: bool
    message: str
    steps: list[StepView]
    created_at: str
    finished_at: str | None
    deadline_at: str


@router.get(
    "/{workflow_id}",
    response_model=Answer,
    summary="The answer, as far as it is there",
    responses=_PROBLEMS | etag.DOCUMENTED,
)
async def answer(
    request: Request, response: Response, workflow_id: WorkflowId, if_none_match: etag.IfNoneMatch = ""
) -> Answer | Response:
    """The same document at any time; complete when `status` is final."""
    version = await _version(request, workflow_id)
    if good_still := etag.not_modified(if_none_match, version):
        return good_still
    response.headers.update(etag.headers_of(version))
    return await _answer(request, workflow_id)


@router.get(
    "/{workflow_id}/status",
    response_model=StatusView,
    summary="Where it stands",
    responses=_PROBLEMS | etag.DOCUMENTED,
)
async def status(
    request: Request, response: Response, workflow_id: WorkflowId, if_none_match: etag.IfNoneMatch = ""
) -> StatusView | Response:
    """Status of the workflow and of each step, without any rows."""
    version = await _version(request, workflow_id)
    if good_still := etag.not_modified(if_none_match, version):
        return good_still
    record = await _desk(request).record(workflow_id)
    if record is None:
        raise unknown_workflow(workflow_id)
    response.headers.update(etag.headers_of(version))
    return view_of(record)


@router.get(
    "/{workflow_id}/events",
    summary="What happens, live (SSE)",
    response_class=EventSourceResponse,
    responses={200: {"content": {"text/event-stream": {}}}, **_PROBLEMS},
)
async def events(
    request: Request, workflow_id: WorkflowId, last_event_id: Annotated[str, Header()] = "0-0"
) -> EventSourceResponse:
    """Named events `workflow` and `step`, ids of the workflow's stream (`Last-Event-ID` resumes), and a last `end`.

    When events after `Last-Event-ID` are no longer there, a `gap` comes first: `{after, first}`, and `first` follows.
    """
    desk = _desk(request)
    if not _EVENT_ID.fullmatch(last_event_id):
        raise Problem(
            "invalid_request",
            f"Last-Event-ID: {last_event_id[:40]!r} is not an id of this stream",
            recovery_action="correct_request",
            suggestions=["Send the last id you received, or none."],
        )
    if await desk.record(workflow_id) is None:
        raise unknown_workflow(workflow_id)
    gap = await desk.store.gap(workflow_id, last_event_id)
    return EventSourceResponse(_stream(desk, workflow_id, last_event_id, gap), ping=HEARTBEAT_S)


async def _stream(desk: Desk, workflow_id: str, after: str, gap: Gap | None) -> AsyncIterator[ServerSentEvent]:
    ended = None
    if gap is not None:
        yield ServerSentEvent(json.dumps(asdict(gap)), event="gap")
    async for event in desk.events(workflow_id, after):
        data = {"kind": event.kind, "step": event.step, "status": event.status, "at": iso(event.at_ms), **event.data}
        yield ServerSentEvent(json.dumps(data), event="step" if event.step else "workflow", id=event.event_id)
        ended = status_of_end(event) or ended
    record = await desk.record(workflow_id)
    final = ended or (record.status if record else "GONE")
    yield ServerSentEvent(json.dumps({"workflow_id": workflow_id, "status": final}), event="end")


@router.get("/{workflow_id}/chart.png", summary="The chart as PNG", response_class=Response, responses=_PART_PROBLEMS)
async def chart_png(request: Request, workflow_id: WorkflowId) -> Response:
    """Drawn from the answer's Vega-Lite spec."""
    return await _picture(request, workflow_id, png_of, "image/png")


@router.get("/{workflow_id}/chart.svg", summary="The chart as SVG", response_class=Response, responses=_PART_PROBLEMS)
async def chart_svg(request: Request, workflow_id: WorkflowId) -> Response:
    """Drawn from the answer's Vega-Lite spec."""
    return await _picture(request, workflow_id, svg_of, "image/svg+xml")


@router.get("/{workflow_id}/rows.csv", summary="The rows as CSV", response_class=Response, responses=_PART_PROBLEMS)
async def rows_csv(request: Request, workflow_id: WorkflowId) -> Response:
    """Text cells that a spreadsheet would take for a formula are quoted."""
    found = await _answer(request, workflow_id)
    if found.result is None:
        raise _not_yet(found, "rows")
    return _download(
        rows_as_csv(found.result.columns, found.result.data).encode(), "text/csv; charset=utf-8", "rows.csv"
    )


@router.get("/{workflow_id}/answer.json", summary="The answer as a file", response_class=Response, responses=_PROBLEMS)
async def answer_json(request: Request, workflow_id: WorkflowId) -> Response:
    """The answer as a download."""
    found = await _answer(request, workflow_id)
    return _download(found.model_dump_json(indent=2).encode(), "application/json", "answer.json")


def view_of(record: WorkflowRecord) -> StatusView:
    """The record as the API shows it."""
    return StatusView(
        workflow_id=record.workflow_id,
        status=record.status,
        final=record.status.final,
        message=record.message,
        steps=[_step_view(step) for step in record.steps.values()],
        created_at=iso(record.created_ms) or "",
        finished_at=iso(record.finished_ms),
        deadline_at=iso(record.deadline_ms) or "",
    )


def _step_view(step: StepRecord) -> StepView:
    return StepView(
        step=step.name,
        agent=step.agent,
        status=step.status,
        attempt=step.attempt,
        takeovers=step.takeovers,
        started_at=iso(step.started_ms),
        finished_at=iso(step.finished_ms),
        error=step.error,
    )


def _desk(request: Request) -> Desk:
    desk: Desk = request.app.state.desk
    return desk


async def _version(request: Request, workflow_id: str) -> str:
    """Read before the record: a client may then have something newer than its tag says, never something older."""
    version = await _desk(request).store.version(workflow_id)
    if version is None:
        raise unknown_workflow(workflow_id)
    return version


async def _answer(request: Request, workflow_id: str) -> Answer:
    found = await _desk(request).answer(workflow_id)
    if found is None:
        raise unknown_workflow(workflow_id)
    return found


async def _picture(request: Request, workflow_id: str, draw: Any, media_type: str) -> Response:
    found = await _answer(request, workflow_id)
    if found.visualization is None:
        raise _not_yet(found, "chart")
    if found.visualization.spec is None:
        raise Problem(
            "not_found",
            "This answer has no chart that could be drawn: " + found.visualization.reason,
            recovery_action="none",
            suggestions=["The rows are at rows.csv."],
        )
    try:
        picture = await asyncio.to_thread(draw, found.visualization.spec)
    except NotDrawable as error:
        raise Problem(
            "invalid_response", f"The chart cannot be drawn: {error}", recovery_action="contact_support"
        ) from error
    return Response(picture, media_type=media_type, headers={"Cache-Control": "private, max-age=3600"})


def _download(body: bytes, media_type: str, name: str) -> Response:
    return Response(body, media_type=media_type, headers={"Content-Disposition": f'attachment; filename="{name}"'})


def _not_yet(found: Answer, what: str) -> Problem:
    if found.status.final:
        return Problem("not_found", f"This workflow ended {found.status} without a {what}.", recovery_action="rephrase")
    return Problem(
        "not_yet",
        f"The {what} is not there yet: the workflow is {found.status}.",
        recovery_action="wait_and_retry",
        retry_after_s=1,
    )


def unknown_workflow(workflow_id: str) -> Problem:
    """404 for an id that names no workflow, or none any more."""
    return Problem(
        "not_found",
        f"There is no workflow {workflow_id}; finished ones are kept for a limited time.",
        recovery_action="correct_request",
        suggestions=["Ask the question again."],
    )
