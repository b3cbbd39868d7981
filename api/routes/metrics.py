"""`GET /api/workflow/metrics`: how it went over a window, and how it stands now."""

import re
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from agents.registry import get_registry
from api.desk import Desk
from api.metrics.figures import (
    AgentFigures,
    RecoveryFigures,
    RetryFigures,
    WorkflowFigures,
    agent_figures,
    recovery_figures,
    retry_figures,
    workflow_figures,
)
from api.problems import Problem, documented
from api.routes.breakers import BreakerDesk
from core.clock import iso
from state.backlog import OPEN, Backlog, Queue, read_backlog
from state.metrics import HOUR_MS, MINUTE_MS, WINDOW_AT_MOST_MS, Counts, Window, read_window
from state.model import WorkflowStatus
from tasks import app as celery_app

router = APIRouter(prefix="/api/workflow", tags=["metrics"])
_WINDOW = r"([1-9][0-9]{0,4})([mhd])"
_UNIT_MS = {"m": MINUTE_MS, "h": HOUR_MS, "d": 24 * HOUR_MS}


class MetricsQuery(BaseModel):
    """Which window."""

    model_config = ConfigDict(extra="forbid")

    window: str = Field(
        "1h",
        pattern=f"^{_WINDOW}$",
        description="The last so many minutes, hours or days, up to `7d`. It begins at a full minute, beyond 119 "
        "minutes at a full hour: see `since`.",
        examples=["5m", "1h", "24h", "7d"],
    )

    @property
    def length_ms(self) -> int:
        """Its length."""
        match = re.fullmatch(_WINDOW, self.window)
        assert match is not None  # noqa: S101 - the pattern above
        return int(match[1]) * _UNIT_MS[match[2]]


class QueueNow(BaseModel):
    """One queue of the broker."""

    depth: int
    oldest_age_s: float | None = Field(description="Of the oldest message; null without one, or if it is no step's.")


class Now(BaseModel):
    """As it stands at this moment."""

    open_workflows: dict[WorkflowStatus, int]
    queues: dict[str, QueueNow]
    due: int = Field(description="Steps and deadlines that have a time by which something must happen.")
    overdue: int = Field(description="Those whose time has come; workers look four times a second.")
    workers: int = Field(description="Workers that looked within the last 5 s.")


_EXAMPLE_COUNTS: Final = {
    ("accepted", "interactive"): 120,
    ("ended", "interactive", "SUCCEEDED"): 116,
    ("ended", "interactive", "DEGRADED"): 2,
    ("ended", "interactive", "FAILED"): 1,
    ("routed", "simple"): 119,
    ("workflow_time", "interactive", "36"): 119,
    ("workflow_time", "interactive", "ms"): 59_500,
    ("step", "nlp", "SUCCEEDED", "1"): 115,
    ("step", "nlp", "SUCCEEDED", "2"): 3,
    ("step", "nlp", "DEGRADED", "3"): 1,
    ("step_time", "nlp", "20"): 119,
    ("step_time", "nlp", "ms"): 3_570,
    ("attempt", "nlp", "SUCCEEDED", "18"): 118,
    ("attempt", "nlp", "SUCCEEDED", "ms"): 2_596,
    ("attempt", "nlp", "RETRYING", "8"): 5,
    ("taken_over", "nlp"): 1,
    ("brought_back", "nlp", "SUCCEEDED"): 1,
}


class Metrics(BaseModel):
    """A window's figures (exact, but for the percentiles), and how it stands now."""

    window: str
    since: str
    until: str
    workflows: WorkflowFigures
    agents: dict[str, AgentFigures]
    retry: RetryFigures = Field(description="Of all agents.")
    recovery: RecoveryFigures = Field(description="Of all agents.")
    breaker_openings: dict[str, int] = Field(description="How often each opened, by the last 2,000 breaker events.")
    now: Now

    @classmethod
    def of(cls, window: str, counted: Window, openings: dict[str, int], backlog: Backlog) -> "Metrics":
        """Put together what was read."""
        counts = counted.counts
        agents = sorted({*get_registry(), *counts.at("step").below, *counts.at("attempt").below})
        return cls(
            window=window,
            since=iso(counted.from_ms) or "",
            until=iso(counted.to_ms) or "",
            workflows=workflow_figures(counts),
            agents={agent: agent_figures(counts, agent) for agent in agents},
            retry=retry_figures(counts, agents),
            recovery=recovery_figures(counts, agents),
            breaker_openings=openings,
            now=_now(backlog),
        )


def _now(backlog: Backlog) -> Now:
    return Now(
        open_workflows=dict(backlog.open),
        queues={name: _queue(queue) for name, queue in backlog.queues.items()},
        due=backlog.due,
        overdue=backlog.overdue,
        workers=backlog.workers,
    )


def _queue(queue: Queue) -> QueueNow:
    return QueueNow(depth=queue.depth, oldest_age_s=None if queue.oldest_ms is None else queue.oldest_ms / 1000)


def queue_names() -> list[str]:
    """The queues that workers consume."""
    return [queue.name for queue in celery_app.conf.task_queues]


def _example() -> dict[str, object]:
    counted = Window(Counts.of(_EXAMPLE_COUNTS), 1_769_860_800_000, 1_769_864_421_250)
    queues = {"agents.nlp": Queue(1, 420), "agents.data": Queue(0), "agents.viz": Queue(0)}
    backlog = Backlog(queues, dict.fromkeys(OPEN, 0) | {WorkflowStatus.RUNNING: 1}, due=2, overdue=0, workers=2)
    return Metrics.of("1h", counted, {"data": 0, "nlp": 1, "viz": 0}, backlog).model_dump(mode="json")


@router.get(
    "/metrics",
    response_model=Metrics,
    summary="Figures over a window, and how it stands now",
    responses={
        200: {"content": {"application/json": {"example": _example()}}},
        **documented({422: "The request is not valid", 503: "The store is away: wait and retry"}),
    },
)
async def metrics(request: Request, query: Annotated[MetricsQuery, Query()]) -> Metrics:
    """Counted by the transitions themselves: exact with many processes, through deaths and doubled messages."""
    if query.length_ms > WINDOW_AT_MOST_MS:
        raise Problem(
            "invalid_request",
            f"window: {query.window} is longer than what is kept.",
            recovery_action="correct_request",
            suggestions=["The longest window is 7d."],
        )
    desk: Desk = request.app.state.desk
    breakers: BreakerDesk = request.app.state.breakers
    counted = await read_window(desk.store, query.length_ms)
    openings = await breakers.openings(counted.from_ms)
    return Metrics.of(query.window, counted, openings, await read_backlog(desk.store, queue_names()))
