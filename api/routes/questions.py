"""`POST /api/query`: a question in, an answer out, as from a plain function."""

import re
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Header, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from api.access.caller import caller_of
from api.desk import PATIENCE_S, Desk
from api.problems import Problem, documented, store_away
from api.routes.idempotency import REPLAYED, IdempotencyKey, once_of, still_at_work
from core.settings import get_settings
from core.store_fault import StoreFault
from pipeline.answer import Answer, AnswerError
from pipeline.asked.step import AskedStep
from pipeline.question import Question
from state.errors import StoreUnavailable
from state.model import Mode, WorkflowStatus
from state.transitions import Started

router = APIRouter(prefix="/api", tags=["questions"])
_WAIT = re.compile(r"(?:^|[,;\s])wait=(\d{1,4})(?:$|[,;\s])")


class QueryBody(BaseModel):
    """A question; all but `query` is optional and handed to the agents as it is."""

    model_config = ConfigDict(
        extra="forbid",
        str_strip_whitespace=True,
        json_schema_extra={"example": {"query": "average departure delay by carrier", "session_id": "demo"}},
    )

    query: str = Field(
        min_length=1, max_length=get_settings().query_max_chars, description="The question in plain English."
    )
    query_id: str = Field("", max_length=200, description="Your own id of the question; ours when empty.")
    user_id: str = Field("", max_length=200)
    session_id: str = Field("", max_length=200)
    context: dict[str, Any] = Field(default_factory=dict, description="Handed to the nlp agent.")
    database_context: dict[str, Any] | None = Field(None, description="Handed to every agent.")
    visualization: dict[str, Any] = Field(
        default_factory=dict, description="Wishes for the chart: `{chart_type: line}`."
    )
    deadline_s: float | None = Field(
        None,
        ge=0.5,
        le=get_settings().workflow_deadline_max_s,
        description="Time for the answer; at its end the question fails, or something stands in before.",
    )


class WorkflowBody(QueryBody):
    """A question nobody waits for, unless `mode` says so."""

    mode: Mode = Field(
        Mode.BACKGROUND,
        description="background: may wait until an agent's breaker lets calls in; interactive: something else answers.",
    )
    steps: list[AskedStep] = Field(
        default_factory=list,
        description="A plan of your own: steps and what each waits for. Empty: the plan is made from the question.",
    )


class Accepted(BaseModel):
    """The question is recorded and will be answered; where to look."""

    workflow_id: str
    status: WorkflowStatus
    links: dict[str, str]


_PROBLEMS = documented(
    {
        404: "It ended and has expired since (only under an Idempotency-Key)",
        409: "The question was cancelled, or the first request with this Idempotency-Key is still at work",
        422: "The question was not understood, the request is not valid, or its Idempotency-Key began another one",
        429: "An agent asks to slow down",
        502: "An agent failed",
        503: "An agent or the store is away: wait and retry",
        504: "No answer before the deadline",
    }
)


@router.post(
    "/query",
    response_model=Answer,
    summary="Ask a question and wait for the answer",
    responses={
        202: {"model": Accepted, "description": "Accepted (`Prefer: respond-async` or `wait=N`)"},
        **_PROBLEMS,
    },
)
async def query(
    request: Request,
    body: QueryBody,
    prefer: Annotated[str, Header(max_length=200)] = "",
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Answers when the workflow has ended.

    `Prefer: respond-async` answers 202 at once, `Prefer: wait=N` after N seconds at the latest (RFC 7240); the workflow
    goes on either way, and `Location` leads to its answer. A question sent again under its key while it is at work is
    told so (409), unless it would rather wait (`Prefer`). While the store is away the answer is `recorded: false`: it
    cannot be fetched again, and an `Idempotency-Key` counts for nothing (`Idempotency-Kept: false`).
    """
    desk: Desk = request.app.state.desk
    try:
        started = await desk.accept(_asked(request, body), once=once_of(request, idempotency_key, body))
    except StoreUnavailable as error:
        keyed = idempotency_key is not None
        return await _unrecorded(desk, _asked(request, body), prefer, keyed=keyed, fault=error.fault)
    workflow_id, again = started.workflow_id, {} if started.fresh else REPLAYED
    deadline_s = body.deadline_s or get_settings().workflow_deadline_s
    patience_s = _patience_s(prefer, deadline_s)
    record = await desk.wait(workflow_id, patience_s if started.fresh or prefer else 0.0) if patience_s else None
    if record is not None and record.status.final:
        return await _final(desk, workflow_id, again)
    if prefer and patience_s < deadline_s:
        return accepted(workflow_id, applied=prefer, headers=again)
    if started.fresh:
        raise _too_late(workflow_id)
    raise still_at_work(links_of(workflow_id)) if record else _removed(again)


@router.post(
    "/workflow",
    response_model=Accepted,
    status_code=202,
    summary="Ask a question and look for the answer later",
    responses=_PROBLEMS,
)
async def workflow(request: Request, body: WorkflowBody, idempotency_key: IdempotencyKey = None) -> Response:
    """Answers at once; `Location` leads to the answer."""
    desk: Desk = request.app.state.desk
    return taken(await desk.accept(_asked(request, body), body.mode, once_of(request, idempotency_key, body)))


def _asked(request: Request, body: QueryBody) -> Question:
    fields = body.model_dump(exclude={"mode", "steps"})
    steps = tuple(body.steps) if isinstance(body, WorkflowBody) else ()
    return Question(**fields, steps=steps, caller=caller_of(request).key_id)


def taken(started: Started) -> JSONResponse:
    """202 for a question that was accepted, now or under the same key before."""
    return accepted(started.workflow_id, headers=None if started.fresh else REPLAYED)


def accepted(workflow_id: str, *, applied: str = "", headers: Mapping[str, str] | None = None) -> JSONResponse:
    """202 with the place of the answer."""
    body = Accepted(workflow_id=workflow_id, status=WorkflowStatus.QUEUED, links=links_of(workflow_id))
    own = {"Location": f"/api/workflow/{workflow_id}", **({"Preference-Applied": applied} if applied else {})}
    return JSONResponse(body.model_dump(), 202, {**own, **(headers or {})})


def links_of(workflow_id: str) -> dict[str, str]:
    """Where a workflow's answer, status, events and page are."""
    base = f"/api/workflow/{workflow_id}"
    return {"answer": base, "status": f"{base}/status", "events": f"{base}/events", "page": f"/ask/{workflow_id}"}


async def _unrecorded(desk: Desk, question: Question, prefer: str, *, keyed: bool, fault: StoreFault) -> Response:
    """The answer while the store cannot be used; there is no place where it could be looked for later."""
    if "respond-async" in prefer:
        raise store_away("Without it no answer can be kept for later: ask without Prefer: respond-async.", fault)
    _, answer = await desk.answer_unrecorded(question, fault)
    headers = {"Idempotency-Kept": "false"} if keyed else {}
    if answer.error is not None:
        raise problem_of(answer.error, answer.workflow_id, headers, recorded=False)
    return JSONResponse(answer.model_dump(mode="json", exclude_none=False), headers=headers)


def problem_of(
    error: AnswerError, workflow_id: str, headers: Mapping[str, str] | None = None, *, recorded: bool = True
) -> Problem:
    """A failed workflow as a problem document; one that is not `recorded` leads nowhere."""
    fields = error.model_dump(exclude_none=True)
    known = {"error_type", "message", "recovery_action", "suggestions", "retry_after_s"}
    return Problem(
        error.error_type,
        error.message,
        recovery_action=error.recovery_action,
        suggestions=error.suggestions,
        retry_after_s=error.retry_after_s,
        extra={
            **{k: v for k, v in fields.items() if k not in known},
            "workflow_id": workflow_id,
            **({"links": links_of(workflow_id)} if recorded else {"recorded": False}),
        },
        headers=headers,
    )


def _too_late(workflow_id: str) -> Problem:
    return Problem(
        "agent_timeout",
        "No worker finished the question in time.",
        extra=links_of(workflow_id),
        suggestions=["Look whether workers are running: celery -A tasks status."],
    )


def _removed(headers: Mapping[str, str]) -> Problem:
    said = "The workflow has ended and was removed since."
    return Problem("not_found", said, recovery_action="correct_request", headers=headers)


async def _final(desk: Desk, workflow_id: str, headers: Mapping[str, str]) -> Response:
    answer = await desk.answer(workflow_id)
    if answer is None:
        raise _removed(headers)
    if answer.error is not None:
        raise problem_of(answer.error, workflow_id, headers)
    place = {"Location": f"/api/workflow/{workflow_id}"}
    return JSONResponse(answer.model_dump(mode="json", exclude_none=False), headers={**place, **headers})


def _patience_s(prefer: str, deadline_s: float) -> float:
    if "respond-async" in prefer:
        return 0.0
    longest = deadline_s + PATIENCE_S
    match = _WAIT.search(prefer)
    return min(float(match.group(1)), longest) if match else longest
