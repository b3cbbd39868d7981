"""`GET /api/audit`: what admins did, and who was refused what only admins may do; newest first."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict

from api.desk import Desk
from api.problems import documented
from core.clock import iso
from state.audit import Entry, Trail, newest

router = APIRouter(prefix="/api/audit", tags=["audit"])


class AuditEntry(BaseModel):
    """Who (`key_id`; "local" without keys, empty for nobody we know) did what to what, and how it was answered."""

    id: str
    at: str
    key_id: str
    action: str
    target: str
    status: int
    actor: str
    reason: str


_EXAMPLE = AuditEntry(
    id="1769860800123-0",
    at="2026-01-31T12:00:00.123Z",
    key_id="ann",
    action="POST /api/circuit-breakers/{agent}/mode",
    target="/api/circuit-breakers/data/mode",
    status=200,
    actor="ann",
    reason="maintenance",
)


class AuditPage(BaseModel):
    """One page; `next_before` leads to the next, null is the end."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"entries": [_EXAMPLE.model_dump()], "next_before": "1769860800123-0"}}
    )

    entries: list[AuditEntry]
    next_before: str | None


@router.get(
    "",
    response_model=AuditPage,
    summary="What admins did",
    responses=documented({422: "The request is not valid", 503: "The store is away: wait and retry"}),
)
async def audit(
    request: Request,
    trail: Annotated[Trail, Query(description="What was done (or tried), or what was refused for want of a role.")] = (
        Trail.DONE
    ),
    before: Annotated[
        str, Query(pattern=r"^([0-9]{1,15}-[0-9]{1,10})?$", description="`next_before` of the page before.")
    ] = "",
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> AuditPage:
    """About the last AUDIT_KEEP of each trail are kept."""
    desk: Desk = request.app.state.desk
    found = await newest(desk.store, trail, before, limit)
    return AuditPage(
        entries=[_view(entry) for entry in found], next_before=found[-1].entry_id if len(found) == limit else None
    )


def _view(entry: Entry) -> AuditEntry:
    action = entry.action
    return AuditEntry(
        id=entry.entry_id,
        at=iso(entry.at_ms) or "",
        key_id=action.key_id,
        action=action.action,
        target=action.target,
        status=action.status,
        actor=action.actor,
        reason=action.reason,
    )
