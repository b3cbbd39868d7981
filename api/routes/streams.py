"""`GET /api/workflow/{id}/events`: what happens to a workflow, live, as server-sent events."""

import json
from collections.abc import AsyncIterator
from dataclasses import asdict
from typing import Annotated, Any, Final

from fastapi import APIRouter, Header, Request
from sse_starlette import EventSourceResponse, ServerSentEvent
from sse_starlette.sse import SendTimeoutError
from starlette.types import Receive, Scope, Send

from api.desk import Desk, status_of_end
from api.problems import Problem, documented
from api.routes.workflows import WorkflowId, unknown_workflow
from core.clock import iso
from core.logging import get_logger
from core.settings import get_settings
from state.events import Event, Gap, gap_after

router = APIRouter(prefix="/api/workflow", tags=["workflows"])
log = get_logger(__name__)
LastEventId = Annotated[
    str,
    Header(
        alias="Last-Event-ID",
        pattern=r"^[0-9]{1,15}-[0-9]{1,10}$",
        description="The last id you received: the stream goes on after it.",
        examples=["1769860800123-0"],
    ),
]
SLOW_READER_S: Final = 30.0
COME_BACK_MS: Final = 2_000
_PROBLEMS = documented(
    {
        404: "No such workflow, or it has expired",
        422: "The request is not valid",
        503: "The store is away: wait and retry",
    }
)


class EventStream(EventSourceResponse):
    """Who does not read for `send_timeout` is not waited for any longer, and can come back with its last id."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Stream until the end, or as long as the reader reads."""
        try:
            await super().__call__(scope, receive, send)
        except SendTimeoutError:
            log.info("reader_too_slow", path=scope["path"])


@router.get(
    "/{workflow_id}/events",
    summary="What happens, live (SSE)",
    response_class=EventStream,
    responses={200: {"description": "The stream", "content": {"text/event-stream": {}}}, **_PROBLEMS},
)
async def events(request: Request, workflow_id: WorkflowId, last_event_id: LastEventId = "0-0") -> EventStream:
    """Named events `workflow` and `step`, whose ids lead on (`Last-Event-ID`), and a last `end`; then it closes.

    Comment lines in between are heartbeats (`SSE_HEARTBEAT_S`). When events after `Last-Event-ID` are no longer there,
    a `gap` comes first: `{after, first}`, and `first` follows. A stream that fails says so with a last `failure`, a
    problem document: come back with the last id.
    """
    desk: Desk = request.app.state.desk
    first = await desk.first_event(workflow_id)
    if first is None:
        raise unknown_workflow(workflow_id)
    content = told(desk, workflow_id, last_event_id, gap_after(last_event_id, first))
    return EventStream(content, ping=get_settings().sse_heartbeat_s, send_timeout=SLOW_READER_S)


async def told(desk: Desk, workflow_id: str, after: str, gap: Gap | None) -> AsyncIterator[ServerSentEvent]:
    """All that there is to tell, the stream's own failure included."""
    try:
        async for event in _events(desk, workflow_id, after, gap):
            yield event
    except Exception:
        log.exception("stream_failed", workflow_id=workflow_id)
        yield _failure(workflow_id)


async def _events(desk: Desk, workflow_id: str, after: str, gap: Gap | None) -> AsyncIterator[ServerSentEvent]:
    ended = None
    if gap is not None:
        yield ServerSentEvent(json.dumps(asdict(gap)), event="gap")
    async for event in desk.events(workflow_id, after):
        yield ServerSentEvent(_data(event), event="step" if event.step else "workflow", id=event.event_id)
        ended = status_of_end(event) or ended
    final = ended or await desk.store.status(workflow_id) or "GONE"
    yield ServerSentEvent(json.dumps({"workflow_id": workflow_id, "status": final}), event="end")


def _data(event: Event) -> str:
    data: dict[str, Any] = {"kind": event.kind, "step": event.step, "status": event.status, "at": iso(event.at_ms)}
    return json.dumps({**data, **event.data})


def _failure(workflow_id: str) -> ServerSentEvent:
    problem = Problem(
        "internal_error",
        "The stream of events broke off on our side; the workflow goes on.",
        recovery_action="retry",
        suggestions=["Open it again with Last-Event-ID."],
        extra={"workflow_id": workflow_id},
    )
    return ServerSentEvent(json.dumps(problem.document()), event="failure", retry=COME_BACK_MS)
