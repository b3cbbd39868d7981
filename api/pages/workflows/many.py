"""The page of workflows: a list that stands still while it is read, what is new, and what is done to many."""

from typing import Annotated, Any, Final, cast

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse
from pydantic import ValidationError

from agents.registry import get_registry
from api.access.caller import caller_of
from api.access.roles import Role
from api.desk import Desk
from api.pages.ask import PageRoute, templates
from api.pages.statuses import LOOKS
from api.pages.workflows.filters import PageFilters, filters_in
from api.pages.workflows.rows import MOST_NEW, ON_A_PAGE, count_new, newest_of, rows_now, rows_of
from api.problems import Problem
from api.routes.wishes import ManyWish, actor_of
from pipeline.control import Verb, not_run_again, refusal
from state.errors import BadCursor, StoreUnavailable
from state.listing import Cursor
from state.model import WorkflowStatus

router = APIRouter(route_class=PageRoute, include_in_schema=False)
DURATIONS_MS: Final = (1_000, 5_000, 10_000, 60_000, 600_000)
MOST_PROBLEMS: Final = 5  # are told, of what is done to many
Watched = Annotated[str, Query(pattern=r"^[0-9a-f,]*$", max_length=33 * ON_A_PAGE)]


@router.get("/workflows")
async def workflows(request: Request) -> HTMLResponse:
    """The newest that the filters in the URL fit, or those from `cursor` on."""
    return await _page(request, filters_in(request.query_params))


@router.get("/workflows/news")
async def news(request: Request, newest: str = "", watch: Watched = "") -> HTMLResponse:
    """How many came since `newest`, and the rows of those in `watch` as they are now; the page asks again and again."""
    filters, ids = filters_in(request.query_params), [one for one in watch.split(",") if len(one) == 32]
    context: dict[str, Any] = {"filters": filters, "newest": newest, "watch": watch, "count": 0, "rows": []}
    try:
        store = _desk(request).store
        rows = await rows_now(store, ids)
        count = await count_new(store, filters.wanted, Cursor.parse(newest)) if newest else 0
    except StoreUnavailable:
        return templates.TemplateResponse(request, "workflows_news.html", {**context, "away": True}, 503)
    except BadCursor as error:
        raise Problem("invalid_request", str(error), recovery_action="correct_request") from error
    open_still = ",".join(row.workflow_id for row in rows if not row.summary.status.final)
    now = {"count": count, "most": MOST_NEW, "rows": rows, "watch": open_still}
    return templates.TemplateResponse(request, "workflows_news.html", {**context, **now})


@router.post("/workflows/cancel")
async def cancel(request: Request) -> HTMLResponse:
    """Cancel the chosen ones."""
    wish = await _chosen(request)
    done = await _desk(request).operator.control(
        Verb.CANCEL, wish.ids, actor=actor_of(request, wish), reason=wish.reason
    )
    problems = [refusal(Verb.CANCEL, one, became) for one, became in zip(wish.ids, done, strict=True)]
    return await _done(request, "cancelled", sum(one.done for one in done), problems)


@router.post("/workflows/retry")
async def retry(request: Request) -> HTMLResponse:
    """Run the chosen ones again."""
    wish = await _chosen(request)
    done = await _desk(request).operator.run_again(wish.ids, "", actor=actor_of(request, wish), reason=wish.reason)
    problems = [not_run_again(one, became, "") for one, became in zip(wish.ids, done, strict=True)]
    return await _done(request, "run again", sum(one.done for one in done), problems)


async def _chosen(request: Request) -> ManyWish:
    form = await request.form()
    given = {"ids": form.getlist("ids"), "reason": str(form.get("reason", "")).strip(), "actor": "page"}
    try:
        wish = ManyWish.model_validate(given)
    except ValidationError as error:
        raise _choose("None is chosen, or the reason is too long.") from error
    if not wish.reason:
        raise _choose("There is no reason given; it goes into the history of each workflow and into the audit.")
    return wish


def _choose(said: str) -> Problem:
    return Problem(
        "invalid_request", said, recovery_action="correct_request", suggestions=["Choose workflows and say why."]
    )


async def _done(request: Request, what: str, changed: int, problems: list[str]) -> HTMLResponse:
    refused = [problem for problem in problems if problem]
    said = f"{changed} of {len(problems)} {what}."
    more = f"{len(refused) - MOST_PROBLEMS} more were refused." if len(refused) > MOST_PROBLEMS else ""
    return await _page(
        request, filters_in(request.query_params), said=said, refused=[*refused[:MOST_PROBLEMS], *filter(None, [more])]
    )


async def _page(request: Request, filters: PageFilters, **more: Any) -> HTMLResponse:
    store, caller = _desk(request).store, caller_of(request)
    page = await store.page(filters.wanted)
    rows = await rows_of(store, page)
    context = {
        "filters": filters,
        "rows": rows,
        "next": None if page.next is None else str(page.next),
        "searched": page.searched_until is not None,
        "newest": "" if filters.cursor else str(newest_of(page)),
        "watch": ",".join(row.workflow_id for row in rows if not row.summary.status.final),
        "statuses": {status: LOOKS[status] for status in WorkflowStatus},
        "durations": sorted({*DURATIONS_MS, filters.min_duration_ms} - {0}),
        "agents": sorted({*get_registry(), filters.failed_agent} - {""}),
        "may_change_many": caller.role.covers(Role.ADMIN),
        "logged_in": caller.key_id,
        **more,
    }
    return templates.TemplateResponse(request, "workflows.html", context)


def _desk(request: Request) -> Desk:
    return cast("Desk", request.app.state.desk)
