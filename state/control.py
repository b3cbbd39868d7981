"""Transitions an operator asks for: cancel, pause, resume, and run again. Each is an event with actor and reason."""

from collections.abc import Callable
from dataclasses import dataclass

from state import keys
from state.errors import NoRoom
from state.model import WorkflowStatus
from state.room import ENDLESS, Room, no_room
from state.transition import Argument, Raw, Send, Transition, new_token, sends_of

PAUSED_AT_MOST_S = 7 * 86_400.0


@dataclass(frozen=True, slots=True)
class Controlled:
    """What became of a wish: `done` or not, and then why.

    `status` is the workflow's now; None for an unknown id. `task_ids` are to be revoked, `sends` to be published.
    `refusal` says why nothing was done when the status does not: `open` (it has not ended), `nothing` (every step has a
    good output), `unknown` (no such step), `newer` (a later release recorded it) or `full` (`no_room` says why).
    """

    status: WorkflowStatus | None
    done: bool = False
    task_ids: tuple[str, ...] = ()
    sends: tuple[Send, ...] = ()
    refusal: str = ""
    no_room: NoRoom | None = None


def cancel(workflow_id: str, *, actor: str, reason: str, ttl_s: int) -> Transition[Controlled]:
    """End the workflow now. Idempotent."""
    return _control("cancel", workflow_id, ttl_s, [actor, reason])


def cancel_send(send: Send, *, actor: str, reason: str, ttl_s: int) -> Transition[Controlled]:
    """End the workflow of a send, if that is its step's newest. Idempotent."""
    return _control("cancel", send.workflow_id, ttl_s, [actor, reason, send.step, send.round, send.send])


def pause(
    workflow_id: str, *, actor: str, reason: str, at_most_s: float = PAUSED_AT_MOST_S
) -> Transition[Controlled]:
    """Begin no further step until `resume`; the workflow is cancelled after `at_most_s`. Idempotent."""
    return _control("pause", workflow_id, 0, [actor, reason, at_most_s])


def resume(workflow_id: str, *, actor: str, reason: str, grace_ms: int) -> Transition[Controlled]:
    """Go on after a pause, which is added to the deadline. Idempotent."""
    return _control("resume", workflow_id, 0, [actor, reason, grace_ms])


def reset_from(
    workflow_id: str, step: str, *, actor: str, reason: str, grace_ms: int, token: str, room: Room = ENDLESS
) -> Transition[Controlled]:
    """Run an ended workflow again from `step` on, as a new round; from "" whatever has no good output."""
    own: list[Argument] = [actor, reason, grace_ms, step, room.max_open, room.queue_max]
    return _control("reset_from", workflow_id, 0, own, token)


def _control(
    script: str, workflow_id: str, ttl_s: int, own: list[Argument], token: str = ""
) -> Transition[Controlled]:
    def understand(raw: Raw) -> Controlled:
        return _READERS[raw[0]](workflow_id, raw)

    args: list[Argument] = [workflow_id, token or new_token(), ttl_s, *own]
    return Transition(script, keys.of_transition(workflow_id), args, understand)


def _stopped(status: WorkflowStatus, raw: Raw) -> Controlled:
    return Controlled(status, done=True, task_ids=tuple(item.decode() for item in raw[1:]))


_READERS: dict[bytes, Callable[[str, Raw], Controlled]] = {
    b"gone": lambda _id, _raw: Controlled(None),
    b"already": lambda _id, raw: Controlled(WorkflowStatus(raw[1].decode())),
    b"open": lambda _id, raw: Controlled(WorkflowStatus(raw[1].decode()), refusal="open"),
    b"nothing": lambda _id, _raw: Controlled(WorkflowStatus.SUCCEEDED, refusal="nothing"),
    b"unknown": lambda _id, raw: Controlled(WorkflowStatus(raw[1].decode()), refusal="unknown"),
    b"newer": lambda _id, raw: Controlled(WorkflowStatus(raw[2].decode()), refusal="newer"),
    b"full": lambda _id, raw: Controlled(WorkflowStatus(raw[4].decode()), refusal="full", no_room=no_room(raw)),
    b"cancelled": lambda _id, raw: _stopped(WorkflowStatus.CANCELLED, raw),
    b"paused": lambda _id, raw: _stopped(WorkflowStatus.PAUSED, raw),
    b"resumed": lambda id_, raw: Controlled(WorkflowStatus.RUNNING, done=True, sends=sends_of(id_, raw[1:])),
    b"reset": lambda id_, raw: Controlled(WorkflowStatus.QUEUED, done=True, sends=sends_of(id_, raw[2:])),
}
