"""The answer: one shape everywhere, made from the record and the steps' outputs."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from agents.contract import Column, DataResult, VizResult
from core.clock import iso
from pipeline.outputs import Outputs
from state.model import Contents, Path, Route, StepRecord, StepStatus, WorkflowRecord, WorkflowStatus

LEFT_OUT = "left_out"


class Degradation(BaseModel):
    """Where a fallback stood in: which step, what it used, why, and how old that is.

    The source `left_out` says that nothing did: the step is optional, and the answer does without it.
    """

    step: str
    source: str
    reason: str
    age_s: float | None = None


class ResultSet(BaseModel):
    """The rows, in the order of `columns`."""

    data: list[dict[str, Any]]
    columns: list[Column]
    row_count: int
    truncated: bool
    sql_query: str
    processing_time_ms: float | None


class Visualization(BaseModel):
    """The chart; `spec` is Vega-Lite with its data inside, the URLs give it as a picture."""

    chart_type: str
    title: str
    reason: str
    spec: dict[str, Any] | None
    alt_text: str
    png_url: str | None
    svg_url: str | None
    chart_config: dict[str, Any]
    chart_data: Any = None


class AnswerError(BaseModel):
    """Why there is no answer: what happened, what it means, what to do."""

    model_config = ConfigDict(extra="allow")

    error_type: str
    message: str
    recovery_action: str
    suggestions: list[str] = Field(default_factory=list)
    step: str
    attempt: int
    retry_after_s: float | None = None


class StepPerformance(BaseModel):
    """How one agent did: calls made, time of the last call, time spent in the queue and in retry waits."""

    status: str
    attempts: int
    duration_ms: int | None
    wait_ms: int | None


class Part(BaseModel):
    """One of several questions in one: its own rows and chart. `missing` says why there are none."""

    name: str
    question: str
    interpretation: str
    assumptions: list[str] = Field(default_factory=list)
    steps: list[str]
    result: ResultSet | None
    visualization: Visualization | None
    missing: str


class Answer(BaseModel):
    """A workflow's answer as far as it is there; complete when `status` is final."""

    workflow_id: str
    query_id: str
    query: str
    status: WorkflowStatus
    path: Path = Path.CELERY
    recorded: bool = True
    degraded: bool = False
    degradations: list[Degradation] = Field(default_factory=list)
    route: Route = Route.SIMPLE
    route_why: str = ""
    intent: dict[str, Any] | None = None
    interpretation: str = ""
    assumptions: list[str] = Field(default_factory=list)
    result: ResultSet | None = None
    visualization: Visualization | None = None
    parts: list[Part] = Field(default_factory=list)
    outputs: dict[str, dict[str, Any]] = Field(default_factory=dict)
    error: AnswerError | None = None
    agent_performance: dict[str, StepPerformance]
    created_at: str
    finished_at: str | None
    duration_ms: int | None


def compose_answer(record: WorkflowRecord, contents: Contents, *, recorded: bool = True) -> Answer:
    """The answer of a workflow, whatever its plan.

    `result` and `visualization` are those of the last step that has them: of `compose` where there is one. `outputs`
    are what further agents gave. What is not `recorded` has no pictures to be fetched.
    """
    found = Outputs(record, contents)
    pictures = f"/api/workflow/{record.workflow_id}/chart" if recorded else ""
    nlp, data, viz = found.nlp, found.data, found.chart
    degradations = [told for step in record.steps.values() for told in _degradations(step)]
    return Answer(
        workflow_id=record.workflow_id,
        query_id=contents.request["query_id"],
        query=contents.request["query"],
        status=record.status,
        path=record.path,
        recorded=recorded,
        degraded=bool(degradations),
        degradations=degradations,
        route=record.route,
        route_why=record.route_why,
        intent=nlp.intent.model_dump() if nlp else None,
        interpretation=found.interpretation,
        assumptions=nlp.assumptions if nlp else [],
        result=_result(data, nlp.sql_query if nlp else "") if data else None,
        visualization=_visualization(pictures, viz) if viz else None,
        parts=[_part(record, found, told, pictures) for told in found.told_parts],
        outputs=found.further,
        error=_error(record),
        agent_performance={step.name: _performance(step) for step in record.steps.values()},
        created_at=iso(record.created_ms) or "",
        finished_at=iso(record.finished_ms),
        duration_ms=record.finished_ms - record.created_ms if record.finished_ms else None,
    )


def _part(record: WorkflowRecord, found: Outputs, told: dict[str, str], pictures: str) -> Part:
    """One part as far as it is there."""
    query, rows, chart = found.query(told["query"]), found.rows_of(told["data"]), found.chart_of(told["viz"])
    steps = [record.steps[name] for name in (told["data"], told["viz"]) if name]
    lost = next((step for step in steps if step.status is StepStatus.SKIPPED and step.error), None)
    return Part(
        name=told["name"],
        question=query.question if query else "",
        interpretation=query.interpretation if query else "",
        assumptions=query.assumptions if query else [],
        steps=[step.name for step in steps],
        result=_result(rows, query.sql_query if query else "") if rows else None,
        visualization=_visualization(pictures, chart, told["viz"]) if chart else None,
        missing=str((lost.error or {}).get("message", "")) if lost else "",
    )


def _degradations(step: StepRecord) -> list[Degradation]:
    """What stood in for the step, or that it was left out."""
    if step.degradation:
        return [Degradation(step=step.name, **step.degradation)]
    if step.status is StepStatus.SKIPPED and step.optional:
        reason = (step.error or {}).get("message") or "A step it needs was left out."
        return [Degradation(step=step.name, source=LEFT_OUT, reason=reason)]
    return []


def _result(data: DataResult, sql_query: str) -> ResultSet:
    return ResultSet(
        data=data.rows,
        columns=data.columns,
        row_count=data.row_count,
        truncated=data.truncated,
        sql_query=data.sql_query or sql_query,
        processing_time_ms=data.processing_time_ms,
    )


def _visualization(pictures: str, viz: VizResult, step: str = "") -> Visualization:
    picture = pictures if viz.spec else ""
    of_step = f"?step={step}" if step else ""
    return Visualization(
        chart_type=viz.chart_type,
        title=viz.title,
        reason=viz.reason,
        spec=viz.spec,
        alt_text=viz.alt_text,
        png_url=f"{picture}.png{of_step}" if picture else None,
        svg_url=f"{picture}.svg{of_step}" if picture else None,
        chart_config=viz.chart_config,
        chart_data=viz.chart_data,
    )


def _error(record: WorkflowRecord) -> AnswerError | None:
    if record.status is WorkflowStatus.CANCELLED:
        return AnswerError(
            error_type="cancelled",
            message=f"The question was cancelled: {record.message}",
            recovery_action="retry",
            step="",
            attempt=0,
        )
    if record.status is not WorkflowStatus.FAILED:
        return None
    step = next((s for s in record.steps.values() if s.status == "FAILED"), None)
    if step is None or step.error is None:
        return AnswerError(
            error_type="agent_error", message=record.message, recovery_action="retry", step="", attempt=0
        )
    return AnswerError(**{"recovery_action": "retry", **step.error, "step": step.name, "attempt": step.attempt})


def _performance(step: StepRecord) -> StepPerformance:
    duration = step.finished_ms - step.started_ms if step.finished_ms and step.started_ms else None
    wait = step.started_ms - step.queued_ms if step.started_ms and step.queued_ms else None
    return StepPerformance(
        status=step.status,
        attempts=step.attempt,
        duration_ms=duration,
        wait_ms=max(wait, 0) if wait is not None else None,
    )
