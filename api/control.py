"""`/api/workflow/...`: cancel, pause, resume and retry, for one workflow or for many."""

from typing import Annotated, Any

from fastapi import APIRouter, Body, Request
from pydantic import BaseModel, ConfigDict, Field, model_validator

from api.caller import caller_of
from api.desk import Desk
from api.idempotency import IdempotencyKey, once_of
from api.problems import Problem, documented
from api.questions import Accepted, accepted, taken
from api.workflows import WorkflowId, unknown_workflow
from core.settings import get_settings
from pipeline.control import Verb, refusal
from pipeline.question import Question
from state.control import Controlled
from state.model import WorkflowStatus

router = APIRouter(prefix="/api/workflow", tags=["control"])
MANY = 1_000
_PROBLEMS = documented(
    {
        404: "No such workflow, or it has expired",
        409: "Its status forbids it",
        422: "The request is not valid",
        503: "The store is away: wait and retry",
    }
)

_MANY_PROBLEMS = documented({422: "The request is not valid", 503: "The store is away: wait and retry"})

_WHAT_ELSE = {
    Verb.CANCEL: ["It has ended; there is nothing left to cancel."],
    Verb.PAUSE: ["It has ended; there is nothing left to pause."],
    Verb.RESUME: ["It has ended; POST .../retry runs it again."],
}

_DOES = {
    Verb.CANCEL: "The running call is ended; what was not begun never is.",
    Verb.PAUSE: "The running call may end; nothing more is begun until resume. The deadline stands still.",
    Verb.RESUME: "What is ready is sent; the pause is added to the deadline.",
}


class Wish(BaseModel):
    """Who wants it, and why; both go into the workflow's history."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"actor": "ann", "reason": "wrong month"}})

    actor: str = Field("api", min_length=1, max_length=200)
    reason: str = Field("", max_length=500)


class RetryWish(Wish):
    """Run it again: from `step`, else from what has no good output; with a `query`, ask anew and keep the old."""

    model_config = ConfigDict(
        extra="forbid",
        str_strip_whitespace=True,
        json_schema_extra={
            "example": {"step": "data", "actor": "ann"},
            "not": {
                "required": ["step", "query"],
                "properties": {"step": {"pattern": r"\S"}, "query": {"pattern": r"\S"}},
            },
        },
    )

    step: str = Field("", max_length=100, description="First step to run again.")
    query: str = Field("", max_length=get_settings().query_max_chars, description="The question, put differently.")

    @model_validator(mode="after")
    def _one_of_both(self) -> "RetryWish":
        if self.step and self.query:
            raise ValueError("give a step to run again from, or another question, not both")
        return self


class ManyWish(Wish):
    """The same for many: by id, or all in one of `status`, the newest first."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "example": {"status": ["QUEUED", "RUNNING"], "reason": "maintenance"},
            "oneOf": [{"required": ["ids"]}, {"required": ["status"]}],
        },
    )

    ids: list[Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]] = Field([], min_length=1, max_length=MANY)
    status: list[WorkflowStatus] = Field([], min_length=1, max_length=len(WorkflowStatus))
    limit: int = Field(MANY, ge=1, le=MANY)

    @model_validator(mode="after")
    def _one_of_both(self) -> "ManyWish":
        if bool(self.ids) == bool(self.status):
            raise ValueError("give ids or status, and not both")
        return self


class Changed(BaseModel):
    """Where the workflow stands now, and whether this call changed it."""

    workflow_id: str
    status: WorkflowStatus | None
    changed: bool
    problem: str = ""


class ManyChanged(BaseModel):
    """One result a workflow, and how many were changed."""

    changed: int
    results: list[Changed]


@router.post(
    "/{workflow_id}/retry", response_model=Accepted, status_code=202, summary="Run it again", responses=_PROBLEMS
)
async def retry(
    request: Request,
    workflow_id: WorkflowId,
    wish: Annotated[RetryWish, Body()] = RetryWish(),  # noqa: B008 - nobody changes it
    idempotency_key: IdempotencyKey = None,
) -> Any:
    """A new round from the failed or the named step on, keeping what succeeded; another question is a new workflow.

    Only that one needs an `Idempotency-Key`: a workflow that runs again cannot be told to run again.
    """
    desk = _desk(request)
    if wish.query:
        contents = await desk.store.contents(workflow_id)
        if contents is None:
            raise unknown_workflow(workflow_id)
        anew = _asked_anew(contents.request, wish.query, workflow_id, caller_of(request).key_id)
        return taken(await desk.accept(anew, once=once_of(request, idempotency_key, wish)))
    done = await desk.operator.run_again(workflow_id, wish.step, actor=_actor(request, wish), reason=wish.reason)
    if not done.done:
        raise await _refused(desk, workflow_id, done, wish.step)
    return accepted(workflow_id)


def _offer(verb: Verb) -> None:
    """The two routes of a verb: for one workflow, and for many."""

    async def one(
        request: Request,
        workflow_id: WorkflowId,
        wish: Annotated[Wish, Body()] = Wish(),  # noqa: B008 - nobody changes it
    ) -> Changed:
        return await _for_one(request, verb, workflow_id, wish)

    async def many(request: Request, wish: Annotated[ManyWish, Body()]) -> ManyChanged:
        return await _for_many(request, verb, wish)

    router.add_api_route(
        f"/{{workflow_id}}/{verb}",
        one,
        methods=["POST"],
        response_model=Changed,
        summary=f"{verb.capitalize()} it",
        description=f"Idempotent. {_DOES[verb]}",
        responses=_PROBLEMS,
    )
    router.add_api_route(
        f"/{verb}",
        many,
        methods=["POST"],
        response_model=ManyChanged,
        summary=f"{verb.capitalize()} many",
        description="Answers one by one; what a status forbids is told there and stops nothing.",
        responses=_MANY_PROBLEMS,
    )


for _verb in Verb:
    _offer(_verb)


async def _for_one(request: Request, verb: Verb, workflow_id: str, wish: Wish) -> Changed:
    operator = _desk(request).operator
    (done,) = await operator.control(verb, [workflow_id], actor=_actor(request, wish), reason=wish.reason)
    result = _result(verb, workflow_id, done)
    if result.status is None:
        raise unknown_workflow(workflow_id)
    if result.problem:
        raise Problem(
            "forbidden_by_status",
            result.problem,
            recovery_action="none",
            suggestions=_WHAT_ELSE[verb],
            extra={"workflow_id": workflow_id},
        )
    return result


async def _for_many(request: Request, verb: Verb, wish: ManyWish) -> ManyChanged:
    operator = _desk(request).operator
    ids = wish.ids or await operator.ids_in(frozenset(wish.status), wish.limit)
    done = await operator.control(verb, ids, actor=_actor(request, wish), reason=wish.reason)
    results = [_result(verb, workflow_id, one) for workflow_id, one in zip(ids, done, strict=True)]
    return ManyChanged(changed=sum(result.changed for result in results), results=results)


def _result(verb: Verb, workflow_id: str, done: Controlled) -> Changed:
    problem = refusal(verb, workflow_id, done)
    return Changed(workflow_id=workflow_id, status=done.status, changed=done.done, problem=problem)


def _asked_anew(request: dict[str, Any], query: str, workflow_id: str, caller: str) -> Question:
    return Question(
        query=query,
        user_id=request.get("user_id", ""),
        session_id=request.get("session_id", ""),
        context={**request.get("context", {}), "instead_of": workflow_id},
        database_context=request.get("database_context"),
        visualization=request.get("visualization", {}),
        caller=caller,
    )


async def _refused(desk: Desk, workflow_id: str, done: Controlled, step: str) -> Problem:
    record = await desk.record(workflow_id)
    if record is None:
        return unknown_workflow(workflow_id)
    steps = ", ".join(record.steps)
    reason, suggestion = {
        "open": (f"The workflow is {done.status}: only an ended one can be run again.", "Wait, or cancel it first."),
        "nothing": ("Every step has a good output.", f"Name the step to run again from: {steps}."),
        "unknown": (f"The workflow has no step {step}.", f"There are {steps}."),
    }[done.refusal]
    kind = "invalid_request" if done.refusal == "unknown" else "forbidden_by_status"
    extra = {"workflow_id": workflow_id}
    return Problem(kind, reason, recovery_action="correct_request", suggestions=[suggestion], extra=extra)


def _actor(request: Request, wish: Wish) -> str:
    return caller_of(request).acting_as(wish.actor)


def _desk(request: Request) -> Desk:
    desk: Desk = request.app.state.desk
    return desk
