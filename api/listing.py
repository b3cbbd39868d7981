"""`GET /api/workflow`: lists of workflows, newest first, page by page."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field

from api.desk import Desk
from api.problems import Problem, documented
from api.questions import links_of
from core.clock import iso
from state.errors import BadCursor
from state.listing import ENOUGH_SEARCHED, MOST, Cursor, Listing
from state.model import Mode, WorkflowStatus
from state.summaries import Summary

router = APIRouter(prefix="/api/workflow", tags=["workflows"])
# Not pydantic's own reading, which takes a bare number for seconds since 1970.
Moment = Annotated[AwareDatetime, BeforeValidator(datetime.fromisoformat)]
_LONGEST_MS = 10**12  # thirty years
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ID = "c0ffee00c0ffee00c0ffee00c0ffee00"
_CURSOR = str(Cursor(1_769_860_800_123, _ID))


class ListQuery(BaseModel):
    """Which workflows; every filter is optional."""

    model_config = ConfigDict(extra="forbid")

    status: list[WorkflowStatus] = Field(
        [], max_length=20, description="May be repeated: any of them.", examples=[["FAILED"]]
    )
    failed_agent: str = Field(
        "", max_length=100, description="A step of this agent has failed.", examples=["data"]
    )
    min_duration_ms: int = Field(
        0, ge=0, le=_LONGEST_MS, description="Lasted at least so long: from its creation to its end, or until now.",
        examples=[60_000],
    )
    text: str = Field(
        "",
        max_length=200,
        description="Stands in the question, in whatever case. One request looks at no more than the "
        f"{ENOUGH_SEARCHED:,} newest.",
        examples=["delay"],
    )
    created_after: Moment | None = Field(
        None,
        description="Created at this moment or later: ISO 8601 with its zone (`+` is written `%2B` in a URL).",
        examples=["2026-01-31T00:00:00Z"],
    )
    created_before: Moment | None = Field(
        None, description="Created before this moment.", examples=["2026-02-01T00:00:00Z"]
    )
    limit: int = Field(50, ge=1, le=MOST, description="The longest a page may be.")
    cursor: str | None = Field(
        None, max_length=100, description="`next_cursor` or `searched_until` of the page before.", examples=[_CURSOR]
    )


class WorkflowSummary(BaseModel):
    """One workflow; `degraded` once it has ended with an answer in which something stood in."""

    workflow_id: str
    query: str
    status: WorkflowStatus
    mode: Mode
    degraded: bool
    created_at: str
    finished_at: str | None
    duration_ms: int | None
    links: dict[str, str]


_EXAMPLE = WorkflowSummary(
    workflow_id=_ID,
    query="average departure delay by carrier",
    status=WorkflowStatus.SUCCEEDED,
    mode=Mode.INTERACTIVE,
    degraded=False,
    created_at="2026-01-31T12:00:00.123Z",
    finished_at="2026-01-31T12:00:01.323Z",
    duration_ms=1_200,
    links=links_of(_ID),
)


class WorkflowList(BaseModel):
    """One page. Only a `next_cursor` of null means the end: where much has expired, a page may be short, even empty.

    So may one that searches (`failed_agent`, `min_duration_ms`, `text`): `searched_until` then says that it has looked
    at enough for one request. It is the `next_cursor`, and null where a page ended for another reason.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "workflows": [_EXAMPLE.model_dump(mode="json")],
                "next_cursor": _CURSOR,
                "searched_until": _CURSOR,
            }
        }
    )

    workflows: list[WorkflowSummary]
    next_cursor: str | None
    searched_until: str | None


@router.get(
    "",
    response_model=WorkflowList,
    summary="Workflows, newest first",
    responses={
        200: {
            "headers": {
                "Link": {
                    "description": 'The next page, if there is one: `<...>; rel="next"` (RFC 8288)',
                    "schema": {"type": "string"},
                }
            }
        },
        **documented({422: "The request is not valid", 503: "The store is away: wait and retry"}),
    },
)
async def workflows(request: Request, response: Response, wanted: Annotated[ListQuery, Query()]) -> WorkflowList:
    """A page begins where the one before ended, however many workflows came or expired meanwhile.

    Each workflow that is there throughout is listed exactly once; one that changes its status while a list by status
    is read is listed if it has a wanted status when the list gets to it.
    """
    desk: Desk = request.app.state.desk
    page = await desk.store.page(_listing(wanted))
    next_cursor = None if page.next is None else str(page.next)
    if next_cursor is not None:
        url = request.url.include_query_params(cursor=next_cursor)
        response.headers["Link"] = f'<{url.path}?{url.query}>; rel="next"'
    return WorkflowList(
        workflows=[_view(one) for one in page.workflows],
        next_cursor=next_cursor,
        searched_until=None if page.searched_until is None else str(page.searched_until),
    )


def _listing(wanted: ListQuery) -> Listing:
    try:
        after = None if wanted.cursor is None else Cursor.parse(wanted.cursor)
    except BadCursor as error:
        raise Problem(
            "invalid_request",
            f"cursor: {error}",
            recovery_action="correct_request",
            suggestions=["Send the next_cursor of a page as it is, or none for the first page."],
        ) from error
    return Listing(
        limit=wanted.limit,
        after=after,
        statuses=frozenset(wanted.status),
        from_ms=_first_ms(wanted.created_after),
        to_ms=_first_ms(wanted.created_before),
        failed_agent=wanted.failed_agent,
        min_duration_ms=wanted.min_duration_ms,
        text=wanted.text,
    )


def _first_ms(at: datetime | None) -> int | None:
    """The first whole millisecond at or after `at`."""
    return None if at is None else -((_EPOCH - at) // timedelta(milliseconds=1))


def _view(one: Summary) -> WorkflowSummary:
    return WorkflowSummary(
        workflow_id=one.workflow_id,
        query=one.query,
        status=one.status,
        mode=one.mode,
        degraded=one.status is WorkflowStatus.DEGRADED,
        created_at=iso(one.created_ms) or "",
        finished_at=iso(one.finished_ms),
        duration_ms=None if one.finished_ms is None else one.finished_ms - one.created_ms,
        links=links_of(one.workflow_id),
    )
