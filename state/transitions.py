"""Transitions as values: which script, with what, and what its answer means. `state.store` runs them, sync or async.

Each transition is one atomic script; the legal ones are known to the scripts alone. Every call carries a token, so that
a call whose answer was lost can be made again and counts once.
"""

import json
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Generic, TypeVar

from state import keys
from state.blobs import pack, unpack
from state.model import Mode, NewWorkflow, StepStatus, WorkflowStatus

T = TypeVar("T")
Raw = list[bytes]


@dataclass(frozen=True, slots=True)
class Transition(Generic[T]):
    """One call of one script."""

    script: str
    keys: list[str]
    args: list[str | int | float | bytes]
    understand: Callable[[Raw], T]


@dataclass(frozen=True, slots=True)
class Send:
    """A message to be published: `<workflow>.<step>.<round>.<send>` is its task id, never used twice."""

    workflow_id: str
    step: str
    round: int
    send: int
    queue: str = ""

    @property
    def task_id(self) -> str:
        """The id of the message."""
        return f"{self.workflow_id}.{self.step}.{self.round}.{self.send}"


def parse_task_id(task_id: str) -> Send | None:
    """The send a task id names; None when it is not one of ours."""
    parts = task_id.rsplit(".", 3)
    if len(parts) != 4 or not (parts[2].isdigit() and parts[3].isdigit()):
        return None
    return Send(parts[0], parts[1], int(parts[2]), int(parts[3]))


@dataclass(frozen=True, slots=True)
class Started:
    """`start` accepted the workflow; `sends` are its first messages. `fresh` is False when the id was there before."""

    sends: tuple[Send, ...]
    fresh: bool


def start(workflow: NewWorkflow, grace_ms: int, token: str) -> Transition[Started]:
    """Accept a workflow and queue the steps that wait for nothing."""
    fields: list[str | int | float | bytes] = ["mode", workflow.mode]
    followers: dict[str, list[str]] = {step.name: [] for step in workflow.steps}
    for step in workflow.steps:
        for before in step.after:
            followers[before].append(step.name)
    for step in workflow.steps:
        values: dict[str, str | int] = {
            "agent": step.agent,
            "queue": step.queue,
            "limit_ms": int(step.limit_s * 1000),
            "after": ",".join(step.after),
            "needs": ",".join(step.needs),
            "next": ",".join(followers[step.name]),
            "status": StepStatus.WAITING,
            "fence": 0,
            "attempt": 0,
            "takeovers": 0,
            "round": 0,
            "send": 0,
        }
        for name, value in values.items():
            fields += [f"{step.name}:{name}", value]
    first = [step.name for step in workflow.steps if not step.after]

    def understand(raw: Raw) -> Started:
        if raw[0] != b"started":
            return Started((), fresh=False)
        return Started(_sends(workflow.workflow_id, raw[2:]), fresh=True)

    return Transition(
        "start",
        keys.of_transition(workflow.workflow_id),
        [
            workflow.workflow_id,
            token,
            0,
            workflow.deadline_s,
            grace_ms,
            ",".join(step.name for step in workflow.steps),
            ",".join(first),
            json.dumps(workflow.request),
            *fields,
        ],
        understand,
    )


@dataclass(frozen=True, slots=True)
class Go:
    """The step is ours: `fence` goes into every report, `request` and `inputs` are what the call is made of.

    `ends_at` is the workflow's deadline by this process's monotonic clock.
    """

    workflow_id: str
    step: str
    agent: str
    fence: int
    attempt: int
    takeovers: int
    round: int
    ends_at: float
    mode: Mode
    request: dict[str, Any]
    inputs: dict[str, dict[str, Any]]

    @property
    def time_left_s(self) -> float:
        """Until the workflow's deadline; negative after it."""
        return self.ends_at - time.monotonic()


class Verdict(StrEnum):
    """Why a step may not begin now."""

    DONE = "done"
    GONE = "gone"
    WAITING = "waiting"
    OWNED = "owned"
    PAUSED = "paused"
    FINAL = "final"


@dataclass(frozen=True, slots=True)
class NotBefore:
    """A retry waits; ask again after `wait_s`."""

    wait_s: float


def begin(send: Send, *, node: str, lease_ms: int, ttl_s: int, token: str) -> Transition[Go | NotBefore | Verdict]:
    """Claim the step for the task `send` on worker `node`."""

    def understand(raw: Raw) -> Go | NotBefore | Verdict:
        kind = raw[0].decode()
        if kind == "not_before":
            return NotBefore(int(raw[1]) / 1000)
        if kind != "go":
            return Verdict(kind)
        fence, attempt, takeovers, round_, left_ms = (int(item) for item in raw[1:6])
        needs = raw[7].decode().split(",") if raw[7] else []
        inputs = {name: unpack(blob) for name, blob in zip(needs, raw[10:], strict=True) if blob}
        return Go(
            send.workflow_id,
            send.step,
            raw[6].decode(),
            fence,
            attempt,
            takeovers,
            round_,
            time.monotonic() + left_ms / 1000,
            Mode(raw[8].decode()),
            json.loads(raw[9]),
            inputs,
        )

    return Transition(
        "begin",
        keys.of_transition(send.workflow_id, keys.QUEUE_MARKS),
        [send.workflow_id, token, ttl_s, send.step, f"{node}/{send.round}.{send.send}", lease_ms],
        understand,
    )


@dataclass(frozen=True, slots=True)
class Report:
    """What became of a report: accepted with the sends it released, or not (stale fence, or the record is gone)."""

    accepted: bool
    released: tuple[Send, ...] = ()
    reason: str = ""


def finish(
    go: Go,
    output: dict[str, Any],
    *,
    ttl_s: int,
    grace_ms: int,
    token: str,
    degradation: dict[str, Any] | None = None,
    last_good: str = "",
) -> Transition[Report]:
    """Record the step's output, release what waited for it, close the workflow when it was the last.

    `degradation`: it is a stand-in's, `{source, reason, age_s?}`. `last_good`: the key (`keys.last_good`) under which
    this output may later stand in itself.
    """
    outcome = StepStatus.DEGRADED if degradation else StepStatus.SUCCEEDED
    return Transition(
        "finish",
        keys.of_transition(go.workflow_id, *filter(None, [last_good])),
        [
            go.workflow_id,
            token,
            ttl_s,
            go.step,
            go.fence,
            outcome,
            pack(output),
            json.dumps(degradation) if degradation else "",
            grace_ms,
        ],
        _report(go),
    )


def fail(go: Go, error: dict[str, Any], *, ttl_s: int, token: str) -> Transition[Report]:
    """End the step without an output; its dependents are skipped."""
    return Transition(
        "fail",
        keys.of_transition(go.workflow_id),
        [
            go.workflow_id,
            token,
            ttl_s,
            go.step,
            go.fence,
            json.dumps(error),
            str(error.get("message", "")),
        ],
        _report(go),
    )


def retry_later(
    go: Go, wait_s: float, error: dict[str, Any], *, lease_ms: int, token: str, called: bool = True
) -> Transition[Report]:
    """Give the step back until `wait_s` from now; when its agent was not `called`, no attempt is spent."""
    spent = "called" if called else ""
    return Transition(
        "retry_later",
        keys.of_transition(go.workflow_id),
        [go.workflow_id, token, 0, go.step, go.fence, int(wait_s * 1000), json.dumps(error), lease_ms, spent],
        _report(go),
    )


@dataclass(frozen=True, slots=True)
class Cancelled:
    """What `cancel` found: `status` before (None: unknown id), and the task ids to revoke when it cancelled."""

    status: WorkflowStatus | None
    task_ids: tuple[str, ...] = ()
    done: bool = False


def cancel(workflow_id: str, *, actor: str, reason: str, ttl_s: int) -> Transition[Cancelled]:
    """End the workflow now. Idempotent."""

    def understand(raw: Raw) -> Cancelled:
        kind = raw[0]
        if kind == b"gone":
            return Cancelled(None)
        if kind == b"already":
            return Cancelled(WorkflowStatus(raw[1].decode()))
        return Cancelled(WorkflowStatus.CANCELLED, tuple(item.decode() for item in raw[1:]), done=True)

    return Transition(
        "cancel",
        keys.of_transition(workflow_id),
        [workflow_id, new_token(), ttl_s, actor, reason],
        understand,
    )


def renew(node: str, held: list[tuple[Send, bool]], lease_ms: int) -> Transition[list[str]]:
    """Renew all that `node` holds (send, is its call active); answers the task ids whose calls must stop."""
    triples: list[str | int | float | bytes] = []
    for send, active in held:
        triples += [send.workflow_id, send.step, ("!" if active else "") + send.task_id]
    return Transition("renew", [keys.DUE], [node, lease_ms, *triples], lambda raw: [item.decode() for item in raw])


def look(limit: int, gap_ms: int, lease_ms: int) -> Transition[list[tuple[str, str]]]:
    """Overdue (workflow id, step) pairs; the empty step is a deadline. Nothing is taken by looking."""

    def understand(raw: Raw) -> list[tuple[str, str]]:
        return [(member.decode().rpartition("|")[0], member.decode().rpartition("|")[2]) for member in raw]

    return Transition("look", [keys.DUE, keys.LOOK], [limit, gap_ms, lease_ms], understand)


def trim(longest_s: float) -> Transition[int]:
    """Forget index members older than `longest_s`; answers how many. Idempotent."""
    final = [f"{keys.BY_STATUS}:{status}" for status in WorkflowStatus if status.final]
    return Transition("trim", [keys.BY_TIME, *final], [int(longest_s * 1000)], lambda raw: int(raw[0]))


class OverdueKind(StrEnum):
    """What became of an overdue entry."""

    SENT = "sent"
    LATER = "later"
    DROPPED = "dropped"
    POISONED = "poisoned"
    DEADLINE = "deadline"


@dataclass(frozen=True, slots=True)
class Overdue:
    """`send` is to be published, for the reason `why` (lost, retry, takeover); `task_ids` are to stop on a deadline."""

    kind: OverdueKind
    send: Send | None = None
    why: str = ""
    task_ids: tuple[str, ...] = field(default=())


def overdue(
    workflow_id: str, step: str, *, grace_ms: int, max_takeovers: int, ttl_s: int, queue_prefix: str = ""
) -> Transition[Overdue]:
    """Take one overdue entry; of many callers one gets it."""

    def understand(raw: Raw) -> Overdue:
        kind = OverdueKind(raw[0].decode())
        if kind is OverdueKind.SENT:
            return Overdue(kind, _sends(workflow_id, raw[2:])[0], raw[1].decode())
        return Overdue(kind, task_ids=tuple(item.decode() for item in raw[1:]))

    return Transition(
        "overdue",
        keys.of_transition(workflow_id, keys.QUEUE_MARKS),
        [workflow_id, new_token(), ttl_s, step, grace_ms, max_takeovers, queue_prefix],
        understand,
    )


def new_token() -> str:
    """A call token."""
    return secrets.token_hex(8)


def _report(go: Go) -> Callable[[Raw], Report]:
    def understand(raw: Raw) -> Report:
        if raw[0] != b"accepted":
            return Report(accepted=False, reason=raw[0].decode())
        return Report(accepted=True, released=_sends(go.workflow_id, raw[1:]))

    return understand


def _sends(workflow_id: str, raw: Raw) -> tuple[Send, ...]:
    return tuple(
        Send(workflow_id, step.decode(), int(round_), int(number), queue.decode())
        for step, round_, number, queue in zip(raw[::4], raw[1::4], raw[2::4], raw[3::4], strict=True)
    )
