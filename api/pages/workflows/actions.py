"""What may be done to a workflow now, and why the rest may not."""

from dataclasses import dataclass

from api.access.caller import Caller
from api.access.roles import Role
from pipeline.control import Verb
from state.model import WorkflowRecord, WorkflowStatus


@dataclass(frozen=True, slots=True)
class Action:
    """One button; an empty `why_not` leaves it enabled."""

    verb: str
    label: str
    why_not: str


def actions_of(record: WorkflowRecord, caller: Caller) -> list[Action]:
    """The four buttons, always in the same order."""
    may = caller.role.covers(Role.ASK)
    offered = [
        (Verb.CANCEL.value, "Cancel", _no_cancel(record)),
        (Verb.PAUSE.value, "Pause", _no_pause(record)),
        (Verb.RESUME.value, "Resume", _no_resume(record)),
        ("retry", "Run again", _no_retry(record)),
    ]
    return [Action(verb, label, why if may else "It takes a key with the role ask.") for verb, label, why in offered]


def _no_cancel(record: WorkflowRecord) -> str:
    return "It has ended." if record.status.final else ""


def _no_pause(record: WorkflowRecord) -> str:
    if record.status is WorkflowStatus.PAUSED:
        return "It is paused."
    return _no_cancel(record)


def _no_resume(record: WorkflowRecord) -> str:
    return "" if record.status is WorkflowStatus.PAUSED else "It is not paused."


def _no_retry(record: WorkflowRecord) -> str:
    """A step that succeeded may be run again too, when it is named."""
    return "" if record.status.final else "It has not ended."
