"""`GET /api/workflow`: lists of workflows, newest first, page by page."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from api.desk import Desk
from api.problems import documented
from api.routes.filters import CURSOR_EXAMPLE, Filters, Place
from api.routes.questions import links_of
from core.clock import iso
from state.listing import MOST
from state.model import Mode, Path, WorkflowStatus
from state.summaries import Summary

router = APIRouter(prefix="/api/workflow", tags=["workflows"])
_ID = "c0ffee00c0ffee00c0ffee00c0ffee00"


class ListQuery(Filters):
    """Which workflows; every filter is optional."""

    model_config = ConfigDict(extra="forbid")

    limit: int = Field(50, ge=1, le=MOST, description="The longest a page may be.")
    cursor: Place = Field(None, description="`next_cursor` or `searched_until` of the page before.")


class WorkflowSummary(BaseModel):
    """One workflow; `degraded` once it has ended with an answer in which something stood in."""

    workflow_id: str
    query: str
    status: WorkflowStatus
    mode: Mode
    path: Path
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
    path=Path.CELERY,
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
                "next_cursor": CURSOR_EXAMPLE,
                "searched_until": CURSOR_EXAMPLE,
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
    page = await desk.store.page(wanted.listing(wanted.cursor, wanted.limit))
    next_cursor = None if page.next is None else str(page.next)
    if next_cursor is not None:
        url = request.url.include_query_params(cursor=next_cursor)
        response.headers["Link"] = f'<{url.path}?{url.query}>; rel="next"'
    return WorkflowList(
        workflows=[_view(one) for one in page.workflows],
        next_cursor=next_cursor,
        searched_until=None if page.searched_until is None else str(page.searched_until),
    )


def _view(one: Summary) -> WorkflowSummary:
    return WorkflowSummary(
        workflow_id=one.workflow_id,
        query=one.query,
        status=one.status,
        mode=one.mode,
        path=one.path,
        degraded=one.status is WorkflowStatus.DEGRADED,
        created_at=iso(one.created_ms) or "",
        finished_at=iso(one.finished_ms),
        duration_ms=None if one.finished_ms is None else one.finished_ms - one.created_ms,
        links=links_of(one.workflow_id),
    )
