"""`POST /api/workflow/{verb}`: cancel, pause, resume and retry, for many workflows at once."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Annotated, Final

from fastapi import APIRouter, Body, Request

from api.desk import Desk
from api.problems import documented
from api.routes.wishes import Changed, ManyChanged, ManyWish, RetryManyWish, actor_of
from pipeline.control import Operator, Verb, not_run_again, refusal
from state.control import Controlled
from state.listing import Cursor
from state.model import WorkflowStatus

router = APIRouter(prefix="/api/workflow", tags=["control"])
_PROBLEMS = documented({422: "The request is not valid", 503: "The store is away: wait and retry"})

# Filters without `status` mean those that the verb is for, so that asking again goes on with what is left.
_UNDER_WAY = frozenset({WorkflowStatus.QUEUED, WorkflowStatus.RUNNING})
_MEANT: Final = {
    Verb.CANCEL: _UNDER_WAY | {WorkflowStatus.PAUSED},
    Verb.PAUSE: _UNDER_WAY,
    Verb.RESUME: frozenset({WorkflowStatus.PAUSED}),
}
_MEANT_TO_RETRY: Final = frozenset({WorkflowStatus.FAILED})


@router.post("/retry", response_model=ManyChanged, summary="Run many again", responses=_PROBLEMS)
async def retry(request: Request, wish: Annotated[RetryManyWish, Body()]) -> ManyChanged:
    """Each as a new round; for what there is no room (`QUEUE_MAX`, `MAX_OPEN_PER_KEY`) stays as it is, and is told so.

    Filters without `status` mean those that have failed.
    """
    return await run_again(request, wish)


async def run_again(request: Request, wish: RetryManyWish) -> ManyChanged:
    """Carry out the wish, for the API and for pages."""
    operator = _operator(request)
    ids, next_cursor = await _chosen(operator, wish, _MEANT_TO_RETRY)
    done = await operator.run_again(ids, wish.step, actor=actor_of(request, wish), reason=wish.reason)
    return _told(ids, done, next_cursor, lambda one, became: not_run_again(one, became, wish.step))


def _offer(verb: Verb) -> None:
    async def many(request: Request, wish: Annotated[ManyWish, Body()]) -> ManyChanged:
        operator = _operator(request)
        ids, next_cursor = await _chosen(operator, wish, _MEANT[verb])
        done = await operator.control(verb, ids, actor=actor_of(request, wish), reason=wish.reason)
        return _told(ids, done, next_cursor, lambda one, became: refusal(verb, one, became))

    router.add_api_route(
        f"/{verb}",
        many,
        methods=["POST"],
        response_model=ManyChanged,
        summary=f"{verb.capitalize()} many",
        description="Answers one by one; what a status forbids is told there and stops nothing. "
        f"Filters without `status` mean those that are {', '.join(sorted(_MEANT[verb]))}.",
        responses=_PROBLEMS,
    )


for _verb in Verb:
    _offer(_verb)


async def _chosen(
    operator: Operator, wish: ManyWish, meant: frozenset[WorkflowStatus]
) -> tuple[list[str], Cursor | None]:
    """Ids, and the place where those that fit go on, if they do."""
    if wish.ids:
        return wish.ids, None
    wanted = wish.listing(wish.cursor)
    return await operator.ids_in(replace(wanted, statuses=wanted.statuses or meant), wish.limit)


def _told(
    ids: Sequence[str], done: Sequence[Controlled], place: Cursor | None, problem: Callable[[str, Controlled], str]
) -> ManyChanged:
    results = [
        Changed(workflow_id=one, status=became.status, changed=became.done, problem=problem(one, became))
        for one, became in zip(ids, done, strict=True)
    ]
    changed = sum(result.changed for result in results)
    return ManyChanged(changed=changed, results=results, next_cursor=None if place is None else str(place))


def _operator(request: Request) -> Operator:
    desk: Desk = request.app.state.desk
    return desk.operator
