"""Events: one line of a workflow's history each, as entries of its stream. The stream id orders and names them."""

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

_JSON_FIELDS = frozenset({"error", "degradation"})


class EventKind(StrEnum):
    """What happened."""

    ACCEPTED = "accepted"
    BEGUN = "begun"
    SUCCEEDED = "succeeded"
    RETRYING = "retrying"
    FAILED = "failed"
    SKIPPED = "skipped"
    RESENT = "resent"
    TAKEN_OVER = "taken_over"
    CANCEL_REQUESTED = "cancel_requested"
    PAUSED = "paused"
    RESUMED = "resumed"
    RESET = "reset"
    EXTENDED = "extended"
    ENDED = "ended"


_STATUS_AFTER = {
    EventKind.BEGUN: "RUNNING",
    EventKind.RETRYING: "RETRYING",
    EventKind.FAILED: "FAILED",
    EventKind.SKIPPED: "SKIPPED",
    EventKind.RESENT: "QUEUED",
    EventKind.TAKEN_OVER: "QUEUED",
}


@dataclass(frozen=True, slots=True)
class Event:
    """One entry; an empty `step` means the workflow as a whole, `status` is that of the step (or workflow) after it."""

    event_id: str
    kind: EventKind
    step: str
    status: str
    at_ms: int
    data: dict[str, Any]

    @classmethod
    def of_entry(cls, entry_id: bytes, fields: dict[bytes, bytes]) -> "Event":
        """The event a stream entry stands for."""
        text = {name.decode(): value.decode() for name, value in fields.items()}
        kind = EventKind(text.pop("kind"))
        step, at_ms = text.pop("step"), int(entry_id.decode().partition("-")[0])
        status = text.pop("status", "") or _STATUS_AFTER.get(kind, "QUEUED")
        data = {name: json.loads(value) if name in _JSON_FIELDS and value else value for name, value in text.items()}
        return cls(entry_id.decode(), kind, step, status, at_ms, data)

    def follows(self, event_id: str) -> bool:
        """Whether it came after the event of that id."""
        return _order(event_id) < _order(self.event_id)


@dataclass(frozen=True, slots=True)
class Gap:
    """Events between `after`, the last one a reader has, and `first`, the oldest one there is, cannot be read."""

    after: str
    first: str


def gap_after(after: str, first: str) -> Gap | None:
    """The gap of a reader that goes on after `after`; who begins at the beginning (`0-0`) has missed nothing yet."""
    return Gap(after, first) if _NOTHING < _order(after) < _order(first) else None


_NOTHING = (0, 0)


def _order(event_id: str) -> tuple[int, int]:
    at_ms, _, number = event_id.partition("-")
    return int(at_ms), int(number)
