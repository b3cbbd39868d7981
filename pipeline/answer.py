"""The answer: one shape everywhere, made from the record and the steps' outputs."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from agents.contract import Column, DataResult, NlpResult, VizResult
from core.clock import iso
from state.model import Contents, StepRecord, WorkflowRecord, WorkflowStatus


class Degradation(BaseModel):
    """Where a fallback stood in: which step, what it used, why, and how old that is."""

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


class Answer(BaseModel):
    """A workflow's answer as far as it is there; complete when `status` is final."""

    workflow_id: str
    query_id: str
    query: str
    status: WorkflowStatus
    path: Literal["celery", "direct"] = "celery"
    recorded: bool = True
    degraded: bool = False
    degradations: list[Degradation] = Field(default_factory=list)
    intent: dict[str, Any] | None = None
    interpretation: str = ""
    assumptions: list[str] = Field(default_factory=list)
    result: ResultSet | None = None
    visualization: Visualization | None = None
    error: AnswerError | None = None
    agent_performance: dict[str, StepPerformance]
    created_at: str
    finished_at: str | None
    duration_ms: int | None


def compose_answer(record: WorkflowRecord, contents: Contents) -> Answer:
    """The answer of an ordinary workflow."""
    outputs = contents.outputs
    nlp = NlpResult.model_validate(outputs["nlp"]) if "nlp" in outputs else None
    data = DataResult.model_validate(outputs["data"]) if "data" in outputs else None
    viz = VizResult.model_validate(outputs["viz"]) if "viz" in outputs else None
    degradations = [
        Degradation(step=step.name, **step.degradation) for step in record.steps.values() if step.degradation
    ]
    return Answer(
        workflow_id=record.workflow_id,
        query_id=contents.request["query_id"],
        query=contents.request["query"],
        status=record.status,
        degraded=bool(degradations),
        degradations=degradations,
        intent=nlp.intent.model_dump() if nlp else None,
        interpretation=nlp.interpretation if nlp else "",
        assumptions=nlp.assumptions if nlp else [],
        result=_result(data, nlp) if data else None,
        visualization=_visualization(record.workflow_id, viz) if viz else None,
        error=_error(record),
        agent_performance={step.name: _performance(step) for step in record.steps.values()},
        created_at=iso(record.created_ms) or "",
        finished_at=iso(record.finished_ms),
        duration_ms=record.finished_ms - record.created_ms if record.finished_ms else None,
    )


def _result(data: DataResult, nlp: NlpResult | None) -> ResultSet:
    return ResultSet(
        data=data.rows,
        columns=data.columns,
        row_count=data.row_count,
        truncated=data.truncated,
        sql_query=data.sql_query or (nlp.sql_query if nlp else ""),
        processing_time_ms=data.processing_time_ms,
    )


def _visualization(workflow_id: str, viz: VizResult) -> Visualization:
    picture = f"/api/workflow/{workflow_id}/chart" if viz.spec else None
    return Visualization(
        chart_type=viz.chart_type,
        title=viz.title,
        reason=viz.reason,
        spec=viz.spec,
        alt_text=viz.alt_text,
        png_url=f"{picture}.png" if picture else None,
        svg_url=f"{picture}.svg" if picture else None,
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
