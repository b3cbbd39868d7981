"""`/api/workflow/{id}/...`: cancel, pause, resume and retry, for one workflow."""

from typing import Annotated, Any

from fastapi import APIRouter, Body, Request

from api.access.caller import caller_of
from api.desk import Desk
from api.problems import Problem, documented
from api.routes.idempotency import IdempotencyKey, once_of
from api.routes.questions import Accepted, accepted, taken
from api.routes.wishes import Changed, RetryWish, Wish, actor_of
from api.routes.workflows import WorkflowId, unknown_workflow
from pipeline.control import Verb, not_run_again, refusal
from pipeline.question import Question
from state.control import Controlled

router = APIRouter(prefix="/api/workflow", tags=["control"])
_PROBLEMS = documented(
    {
        404: "No such workflow, or it has expired",
        409: "Its status forbids it",
        422: "The request is not valid",
        503: "The store is away: wait and retry",
    }
)

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
    await run_again(request, workflow_id, wish)
    return accepted(workflow_id)


def _offer(verb: Verb) -> None:
    async def one(
        request: Request,
        workflow_id: WorkflowId,
        wish: Annotated[Wish, Body()] = Wish(),  # noqa: B008 - nobody changes it
    ) -> Changed:
        return await for_one(request, verb, workflow_id, wish)

    router.add_api_route(
        f"/{{workflow_id}}/{verb}",
        one,
        methods=["POST"],
        response_model=Changed,
        summary=f"{verb.capitalize()} it",
        description=f"Idempotent. {_DOES[verb]}",
        responses=_PROBLEMS,
    )


for _verb in Verb:
    _offer(_verb)


async def run_again(request: Request, workflow_id: str, wish: RetryWish) -> None:
    """Begin a new round; raises `Problem` or `NoRoom` when there is none to begin."""
    desk, actor = _desk(request), actor_of(request, wish)
    (done,) = await desk.operator.run_again([workflow_id], wish.step, actor=actor, reason=wish.reason)
    if done.no_room:
        raise done.no_room
    if not done.done:
        raise await _refused(desk, workflow_id, done, wish.step)


async def for_one(request: Request, verb: Verb, workflow_id: str, wish: Wish) -> Changed:
    """Carry out a wish; raises `Problem` when the status forbids it."""
    operator = _desk(request).operator
    (done,) = await operator.control(verb, [workflow_id], actor=actor_of(request, wish), reason=wish.reason)
    if done.status is None:
        raise unknown_workflow(workflow_id)
    if problem := refusal(verb, workflow_id, done):
        raise Problem(
            "forbidden_by_status",
            problem,
            recovery_action="none",
            suggestions=_WHAT_ELSE[verb],
            extra={"workflow_id": workflow_id},
        )
    return Changed(workflow_id=workflow_id, status=done.status, changed=done.done)


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
    suggestion = {
        "open": "Wait, or cancel it first.",
        "nothing": f"Name the step to run again from: {steps}.",
        "unknown": f"There are {steps}.",
    }[done.refusal]
    return Problem(
        "invalid_request" if done.refusal == "unknown" else "forbidden_by_status",
        not_run_again(workflow_id, done, step),
        recovery_action="correct_request",
        suggestions=[suggestion],
        extra={"workflow_id": workflow_id},
    )


def _desk(request: Request) -> Desk:
    desk: Desk = request.app.state.desk
    return desk
