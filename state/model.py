"""Statuses, and the record as it is read: what one workflow is, and where each of its steps stands."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from state.version import OLDEST


class WorkflowStatus(StrEnum):
    """Where a workflow stands; the last four are final."""

    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    PAUSED = "PAUSED"
    SUCCEEDED = "SUCCEEDED"
    DEGRADED = "DEGRADED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"

    @property
    def final(self) -> bool:
        """Whether nothing will change any more, short of a user's retry."""
        return self in _FINAL


_FINAL = frozenset({WorkflowStatus.SUCCEEDED, WorkflowStatus.DEGRADED, WorkflowStatus.FAILED, WorkflowStatus.CANCELLED})


class StepStatus(StrEnum):
    """Where a step stands."""

    WAITING = "WAITING"
    QUEUED = "QUEUED"
    HELD = "HELD"
    RUNNING = "RUNNING"
    RETRYING = "RETRYING"
    SUCCEEDED = "SUCCEEDED"
    DEGRADED = "DEGRADED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    SKIPPED = "SKIPPED"

    @property
    def done(self) -> bool:
        """Whether the step has an output."""
        return self in (StepStatus.SUCCEEDED, StepStatus.DEGRADED)


class Mode(StrEnum):
    """Whether someone waits for the answer."""

    INTERACTIVE = "interactive"
    BACKGROUND = "background"


@dataclass(frozen=True, slots=True)
class NewStep:
    """One step of a plan as it enters the record.

    `after` must end well first, or be optional and skipped. `needs` are the outputs it reads and cannot do without,
    `wants` those it reads where they are. `optional`: the workflow goes on without it. `spec` says what is to be asked,
    beyond the request. `tail` are the steps, each with its queue, that may follow it in one chain. A claim on it lasts
    at most `limit_s`, however often it is renewed.
    """

    name: str
    agent: str
    queue: str
    limit_s: float
    after: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    wants: tuple[str, ...] = ()
    optional: bool = False
    spec: dict[str, Any] = field(default_factory=dict)
    tail: tuple[tuple[str, str], ...] = ()


class Route(StrEnum):
    """What kind of plan a workflow has: the ordinary one, one made for several questions in one, or the caller's."""

    SIMPLE = "simple"
    COMPLEX = "complex"
    PLAN = "plan"


class Path(StrEnum):
    """Who takes a workflow's steps: Celery's workers, or the API process that took the question."""

    CELERY = "celery"
    DIRECT = "direct"


class Overflow(StrEnum):
    """Why a workflow takes the other path than the rollout chose: on neither side, it is compared with nothing."""

    NO_SEAT = "no_seat"  # of the direct path: Celery's it is
    QUEUE_FULL = "queue_full"  # of Celery: the direct path's it is


@dataclass(frozen=True, slots=True)
class NewWorkflow:
    """A workflow to be accepted; `request` is what the steps' inputs are made of, a JSON object."""

    workflow_id: str
    request: dict[str, Any]
    mode: Mode
    deadline_s: float
    steps: tuple[NewStep, ...]
    caller: str = ""  # the API key that asks; none where none are asked for
    route: Route = Route.SIMPLE
    route_why: str = ""
    path: Path = Path.CELERY
    overflow: Overflow | None = None


@dataclass(frozen=True, slots=True)
class StepRecord:
    """One step as recorded. Times are milliseconds since the epoch by the server's clock."""

    name: str
    agent: str
    queue: str
    status: StepStatus
    after: tuple[str, ...]
    attempt: int
    takeovers: int
    round: int
    send: int
    owner: str
    queued_ms: int | None
    started_ms: int | None
    first_started_ms: int | None
    finished_ms: int | None
    error: dict[str, Any] | None
    degradation: dict[str, Any] | None
    optional: bool = False
    spec: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class WorkflowRecord:
    """One workflow as recorded, steps in the plan's order."""

    workflow_id: str
    status: WorkflowStatus
    mode: Mode
    created_ms: int
    started_ms: int | None
    finished_ms: int | None
    deadline_ms: int
    message: str
    steps: dict[str, StepRecord] = field(default_factory=dict)
    route: Route = Route.SIMPLE
    route_why: str = ""
    version: int = OLDEST
    path: Path = Path.CELERY


@dataclass(frozen=True, slots=True)
class Contents:
    """What goes through a workflow: the request it began with, and the output of each step that has one."""

    request: dict[str, Any]
    outputs: dict[str, dict[str, Any]]
