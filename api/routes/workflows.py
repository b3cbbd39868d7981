"""`/api/workflow/{id}`: answer, status, and the answer in other forms; `api.routes.streams` has its events."""

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi import Path as PathParameter
from fastapi.responses import Response
from pydantic import BaseModel

from agents.viz.render import NotDrawable, png_of, svg_of
from api.access.headers import PICTURE_POLICY
from api.desk import Desk
from api.problems import Problem, documented
from api.routes import etag
from core.clock import iso
from core.settings import get_settings
from pipeline.answer import Answer
from pipeline.cell import other_cell
from pipeline.table import rows_as_csv
from state.model import Path, Route, StepRecord, StepStatus, WorkflowRecord, WorkflowStatus

router = APIRouter(prefix="/api/workflow", tags=["workflows"])
WorkflowId = Annotated[str, PathParameter(pattern=r"^[0-9a-f]{32}$", description="32 hexadecimal digits.")]
OfStep = Annotated[
    str, Query(max_length=64, description="A step of one part of the answer: its chart instead of the whole.")
]
_PROBLEMS = documented(
    {
        404: "No such workflow, or it has expired, or it ended without this part",
        422: "The request is not valid",
        503: "The store is away: wait and retry",
    }
)
_PART_PROBLEMS = _PROBLEMS | documented({409: "It is not there yet: wait and retry"})


class StepView(BaseModel):
    """Where one step stands; `after` are the steps it waits for."""

    step: str
    agent: str
    after: list[str]
    optional: bool
    status: StepStatus
    attempt: int
    takeovers: int
    started_at: str | None
    finished_at: str | None
    error: dict[str, Any] | None


class StatusView(BaseModel):
    """Where the workflow stands; `route` is the kind of its plan, `route_why` why it has that.

    `path` says who takes its steps: Celery's workers, or the API process.
    """

    workflow_id: str
    path: Path
    route: Route
    route_why: str
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


@router.get("/{workflow_id}/chart.png", summary="The chart as PNG", response_class=Response, responses=_PART_PROBLEMS)
async def chart_png(request: Request, workflow_id: WorkflowId, step: OfStep = "") -> Response:
    """Drawn from the answer's Vega-Lite spec, or from that of one part."""
    return await _picture(request, workflow_id, step, png_of, "image/png")


@router.get("/{workflow_id}/chart.svg", summary="The chart as SVG", response_class=Response, responses=_PART_PROBLEMS)
async def chart_svg(request: Request, workflow_id: WorkflowId, step: OfStep = "") -> Response:
    """Drawn from the answer's Vega-Lite spec, or from that of one part."""
    return await _picture(request, workflow_id, step, svg_of, "image/svg+xml")


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
        path=record.path,
        route=record.route,
        route_why=record.route_why,
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
        after=list(step.after),
        optional=step.optional,
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


async def _picture(request: Request, workflow_id: str, step: str, draw: Any, media_type: str) -> Response:
    found = await _answer(request, workflow_id)
    wanted = found.visualization
    if step:
        wanted = next((part.visualization for part in found.parts if step in part.steps), None)
    if wanted is None:
        raise _not_yet(found, "chart")
    if wanted.spec is None:
        raise Problem(
            "not_found",
            "This answer has no chart that could be drawn: " + wanted.reason,
            recovery_action="none",
            suggestions=["The rows are at rows.csv."],
        )
    try:
        picture = await asyncio.to_thread(draw, wanted.spec)
    except NotDrawable as error:
        raise Problem(
            "invalid_response", f"The chart cannot be drawn: {error}", recovery_action="contact_support"
        ) from error
    headers = {"Cache-Control": "private, max-age=3600", "Content-Security-Policy": PICTURE_POLICY}
    return Response(picture, media_type=media_type, headers=headers)


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
    """404 for an id that names no workflow, or none any more; 421 for one of another cell."""
    if cell := other_cell(workflow_id, get_settings().cell):
        return Problem(
            "other_cell",
            f"The workflow {workflow_id} is of cell {cell}, and this is cell {get_settings().cell}.",
            recovery_action="correct_request",
            suggestions=["Send requests about a workflow to the cell that its id begins with (docs/scale.md)."],
            extra={"cell": cell},
        )
    return Problem(
        "not_found",
        f"There is no workflow {workflow_id}; finished ones are kept for a limited time.",
        recovery_action="correct_request",
        suggestions=["Ask the question again."],
    )
