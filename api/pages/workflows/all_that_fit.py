"""What is done to all workflows that the filters of `/workflows` fit: asked about first, then done part by part.

Each part is a POST of its own, which the page it answers with sends by itself, so that nothing takes long and whoever
leaves the page stops it. The first place is fixed when it is asked about: what comes later is not touched.
"""

import time
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Annotated, Any, Final, cast

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, Field
from starlette.datastructures import QueryParams

from api.access.caller import caller_of
from api.desk import Desk
from api.pages.ask import PageRoute, templates
from api.pages.workflows.filters import PageFilters, filters_in
from api.problems import Problem
from pipeline.control import Operator, Verb, not_run_again, refusal
from state.control import Controlled
from state.errors import BadCursor, StoreUnavailable
from state.listing import MOST, Cursor, Listing
from state.model import WorkflowStatus
from state.store import AsyncStore

router = APIRouter(prefix="/workflows", route_class=PageRoute, include_in_schema=False)
COUNT_FOR_S: Final = 2.0
MOST_COUNTED: Final = 100_000
MOST_PROBLEMS: Final = 5  # are told, of one part
_CANNOT_RUN_AGAIN: Final = frozenset({WorkflowStatus.SUCCEEDED})


class Deed(StrEnum):
    """What can be done to all of them."""

    CANCEL = "cancel"
    RETRY = "retry"

    def statuses(self, given: frozenset[WorkflowStatus]) -> frozenset[WorkflowStatus]:
        """Those it is for: of the given ones what it can change, without any what the API means too."""
        if self is Deed.CANCEL:
            able = frozenset(status for status in WorkflowStatus if not status.final)
            return given & able if given else able
        able = frozenset(status for status in WorkflowStatus if status.final) - _CANNOT_RUN_AGAIN
        return given & able if given else frozenset({WorkflowStatus.FAILED})


class Part(BaseModel):
    """The form of one part: from where on, why, and what the parts before it came to; `total` was counted at first.

    `fits` are the filters that were shown, as they stand in a URL: with its `?`, even when there are none, so a form
    that has lost them is told from one that means all.
    """

    fits: str = Field("", max_length=2_000)
    cursor: str = Field("", max_length=100)
    reason: str = Field("", max_length=500)
    changed: int = Field(0, ge=0)
    refused: int = Field(0, ge=0)
    total: int = Field(0, ge=0)

    @property
    def done(self) -> int:
        """How many have been looked at."""
        return self.changed + self.refused


@dataclass(frozen=True, slots=True)
class Count:
    """How many there are, and the place before the first; not `exact`: at least so many."""

    total: int
    start: str
    exact: bool


@router.get("/{deed}/all")
async def ask(request: Request, deed: Deed) -> HTMLResponse:
    """Say how many there are, and ask why."""
    filters = filters_in(request.query_params)
    wanted = _wanted(deed, filters)
    count = await count_all(_desk(request).store, wanted) if wanted else Count(0, "", exact=True)
    return _page(request, deed, filters, count=count)


@router.post("/{deed}/all")
async def do_part(request: Request, deed: Deed, part: Annotated[Part, Form()]) -> HTMLResponse:
    """The next of them; the page goes on with the rest. Without Valkey it comes back with the same part."""
    filters, reason = filters_in(QueryParams(part.fits.removeprefix("?"))), part.reason.strip()
    wanted = _wanted(deed, filters)
    if not reason or not part.cursor or not part.fits.startswith("?") or wanted is None:
        raise _incomplete()
    try:
        ids, place = await _operator(request).ids_in(replace(wanted, after=Cursor.parse(part.cursor)), MOST)
        done, problems = await _do(request, deed, ids, reason)
    except BadCursor as error:
        raise _incomplete() from error
    except StoreUnavailable as error:
        return _page(request, deed, filters, part=part, away=error.fault.headline, status=503)
    refused = [problem for problem in problems if problem]
    changed = sum(one.done for one in done)
    came_to = {"changed": part.changed + changed, "refused": part.refused + len(refused)}
    following = part.model_copy(update={"cursor": "" if place is None else str(place), **came_to})
    return _page(request, deed, filters, part=following, problems=refused[:MOST_PROBLEMS])


async def count_all(store: AsyncStore, wanted: Listing) -> Count:
    """Counted page by page, for `COUNT_FOR_S` and to `MOST_COUNTED` at most."""
    until = time.monotonic() + COUNT_FOR_S
    total, start = 0, ""
    while True:
        page = await store.page(wanted)
        if page.workflows and not start:
            start = str(Cursor(page.workflows[0].created_ms, "f" * 32))
        total += len(page.workflows)
        if page.next is None or total >= MOST_COUNTED or time.monotonic() > until:
            return Count(total, start or str(page.next or ""), exact=page.next is None)
        wanted = replace(wanted, after=page.next)


async def _do(request: Request, deed: Deed, ids: list[str], reason: str) -> tuple[list[Controlled], list[str]]:
    """What became of each, and why not; an empty text: it was changed."""
    operator, actor = _operator(request), caller_of(request).acting_as("page")
    if deed is Deed.CANCEL:
        done = await operator.control(Verb.CANCEL, ids, actor=actor, reason=reason)
        return done, [refusal(Verb.CANCEL, one, became) for one, became in zip(ids, done, strict=True)]
    done = await operator.run_again(ids, "", actor=actor, reason=reason)
    return done, [not_run_again(one, became, "") for one, became in zip(ids, done, strict=True)]


def _wanted(deed: Deed, filters: PageFilters) -> Listing | None:
    """What is listed, of those the deed is for; None when it is for none of them."""
    statuses = deed.statuses(frozenset(filters.status))
    return replace(filters.listing(None), statuses=statuses) if statuses else None


def _incomplete() -> Problem:
    return Problem(
        "invalid_request",
        "There is no reason given, or the form is not as it was.",
        recovery_action="correct_request",
        suggestions=["Begin anew at /workflows, and say why: it goes into the history and into the audit."],
    )


def _page(request: Request, deed: Deed, filters: PageFilters, *, status: int = 200, **view: Any) -> HTMLResponse:
    context = {"deed": deed.value, "filters": filters, "logged_in": caller_of(request).key_id, **view}
    return templates.TemplateResponse(request, "workflows_all.html", context, status)


def _operator(request: Request) -> Operator:
    return _desk(request).operator


def _desk(request: Request) -> Desk:
    return cast("Desk", request.app.state.desk)
