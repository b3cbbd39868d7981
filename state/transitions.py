"""The transitions of one workflow: accept it, claim a step, report on it.

The legal ones are known to the scripts alone (`state/lua/`). `state.recovery` has those about what is held or overdue,
`state.control` an operator's.
"""

import json
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from state import keys
from state.blobs import pack, unpack
from state.errors import KeyUsedOtherwise
from state.idempotency import Once
from state.model import Mode, NewStep, NewWorkflow, Overflow, Path, Route, StepStatus
from state.room import ENDLESS, Room, no_room
from state.sides import group_of
from state.transition import Argument, Raw, Send, Transition, sends_of
from state.version import VERSION


@dataclass(frozen=True, slots=True)
class Started:
    """`start` accepted the workflow; `sends` are its first messages.

    `fresh` is False when the id was there before, or the key had been used for `workflow_id` already.
    """

    workflow_id: str
    sends: tuple[Send, ...]
    fresh: bool


def start(
    workflow: NewWorkflow, grace_ms: int, token: str, once: Once | None = None, room: Room = ENDLESS
) -> Transition[Started]:
    """Accept a workflow and queue the steps that wait for nothing; with `once`, unless that key has begun one already.

    Raises `KeyUsedOtherwise` when it has, with another request, and `NoRoom` when there is none.
    """
    first = [step for step in workflow.steps if not step.after]

    def understand(raw: Raw) -> Started:
        if raw[0] == b"started":
            return Started(workflow.workflow_id, sends_of(workflow.workflow_id, raw[2:]), fresh=True)
        if raw[0] == b"asked_otherwise":
            raise KeyUsedOtherwise
        if raw[0] == b"full":
            raise no_room(raw)
        return Started(raw[1].decode() if raw[0] == b"asked" else workflow.workflow_id, (), fresh=False)

    return Transition(
        "start",
        keys.of_transition(workflow.workflow_id, *([once.place] if once else [])),
        [
            workflow.workflow_id,
            token,
            once.ttl_s if once else 0,
            workflow.deadline_s,
            grace_ms,
            ",".join(step.name for step in workflow.steps),
            ",".join(step.name for step in first),
            json.dumps(workflow.request),
            str(workflow.request.get("query", "")).encode(errors="replace"),
            once.asked if once else "",
            workflow.caller,
            ",".join({step.queue for step in first}),
            room.max_open,
            room.queue_max,
            "version",
            VERSION,
            "mode",
            workflow.mode,
            *_route(workflow.route, workflow.route_why),
            *_path(workflow.path),
            *_overflow(workflow.overflow),
            *_group(workflow),
            *_fields(workflow.steps),
        ],
        understand,
    )


def _route(route: Route, why: str) -> list[Argument]:
    return [] if route is Route.SIMPLE else ["route", route, "route_why", why]


def _path(path: Path) -> list[Argument]:
    return [] if path is Path.CELERY else ["path", path]


def _overflow(why: Overflow | None) -> list[Argument]:
    return [] if why is None else ["overflow", why, "excused", 1]


def _group(workflow: NewWorkflow) -> list[Argument]:
    """Only a question that somebody waits for is on a side (`state/lua/sides.lua`)."""
    if workflow.mode is not Mode.INTERACTIVE:
        return []
    return ["group", group_of(str(workflow.request.get("session_id") or ""), workflow.workflow_id)]


def _fields(steps: Sequence[NewStep]) -> list[Argument]:
    """Each step's fields in a new record, names and values."""
    fields = _planned(steps)
    for step in steps:
        fields += [f"{step.name}:status", StepStatus.WAITING]
        for number in ("fence", "attempt", "takeovers", "round", "send"):
            fields += [f"{step.name}:{number}", 0]
    return fields


def _planned(steps: Sequence[NewStep]) -> list[Argument]:
    """What the plan says of each step, and which of them follow each that they wait for. Empty values are left out."""
    followers: defaultdict[str, list[str]] = defaultdict(list)
    for step in steps:
        for before in step.after:
            followers[before].append(step.name)
    fields: list[Argument] = []
    for before, after in followers.items():
        fields += [f"{before}:next", ",".join(after)]
    for step in steps:
        values: dict[str, str | int] = {
            "agent": step.agent,
            "queue": step.queue,
            "limit_ms": int(step.limit_s * 1000),
            "after": ",".join(step.after),
            "needs": ",".join(step.needs),
            "wants": ",".join(step.wants),
            "optional": "1" if step.optional else "",
            "spec": json.dumps(step.spec) if step.spec else "",
            "tail": ",".join(f"{name}@{queue}" for name, queue in step.tail),
        }
        for name, value in values.items():
            fields += [f"{step.name}:{name}", value] if value != "" else []
    return fields


@dataclass(frozen=True, slots=True)
class Extension:
    """New steps in the place of all that wait, recorded with a step's output, and the route the workflow now takes."""

    steps: tuple[NewStep, ...]
    route: Route
    why: str


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
    spec: dict[str, Any]
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
    NEWER = "newer"  # the record is of a later version: a newer worker begins the step


@dataclass(frozen=True, slots=True)
class NotBefore:
    """A retry waits; ask again after `wait_s`."""

    wait_s: float


def begin(
    send: Send, *, node: str, lease_ms: int, ttl_s: int, token: str, path: Path = Path.CELERY
) -> Transition[Go | NotBefore | Verdict]:
    """Claim the step for the task `send` on `node`: a worker, or an API process that takes the workflow's `path`."""

    def understand(raw: Raw) -> Go | NotBefore | Verdict:
        kind = raw[0].decode()
        if kind == "not_before":
            return NotBefore(int(raw[1]) / 1000)
        if kind != "go":
            return Verdict(kind)
        fence, attempt, takeovers, round_, left_ms = (int(item) for item in raw[1:6])
        read = [name for name in raw[7].decode().split(",") if name]
        inputs = {name: unpack(blob) for name, blob in zip(read, raw[11:], strict=True) if blob}
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
            json.loads(raw[9]) if raw[9] else {},
            json.loads(raw[10]),
            inputs,
        )

    return Transition(
        "begin",
        keys.of_transition(send.workflow_id, keys.QUEUE_MARKS),
        [send.workflow_id, token, ttl_s, send.step, f"{node}/{send.round}.{send.send}", lease_ms, *_taken(path)],
        understand,
    )


def _taken(path: Path) -> list[Argument]:
    return [] if path is Path.CELERY else [path]


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
    extension: Extension | None = None,
) -> Transition[Report]:
    """Record the step's output, release what waited for it, close the workflow when it was the last.

    With an `extension`, which the step's workflow must have been made for: every step that waits goes, its steps come.

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
            *(_extended(go.step, extension) if extension else ()),
        ],
        _report(go),
    )


def _extended(step: str, extension: Extension) -> list[Argument]:
    names = ",".join([step, *(new.name for new in extension.steps)])
    return [names, "route", extension.route, "route_why", extension.why, *_planned(extension.steps)]


def fail(
    go: Go, error: dict[str, Any], *, ttl_s: int, grace_ms: int, token: str, excused: bool = False
) -> Transition[Report]:
    """End the step without an output; its dependents are skipped, unless it is optional.

    `excused`: who asked must put it right, so the rollout's comparison leaves the question out.
    """
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
            grace_ms,
            "1" if excused else "",
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


def _report(go: Go) -> Callable[[Raw], Report]:
    def understand(raw: Raw) -> Report:
        if raw[0] != b"accepted":
            return Report(accepted=False, reason=raw[0].decode())
        return Report(accepted=True, released=sends_of(go.workflow_id, raw[1:]))

    return understand
