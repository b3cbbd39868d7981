"""A workflow's events as lines that a person reads."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from api.pages.steps import Look, duration
from state.events import Event, EventKind
from state.history import is_failure

ON_A_PAGE = 200
_GOOD, _LATE, _BAD = ("✓", "good"), ("↻", "late"), ("✕", "bad")
_LOOKS = {
    EventKind.ACCEPTED: ("Accepted", "○", "idle"),
    EventKind.BEGUN: ("Begun", "●", "busy"),
    EventKind.SUCCEEDED: ("Done", *_GOOD),
    EventKind.RETRYING: ("Will be tried again", *_LATE),
    EventKind.FAILED: ("Failed", *_BAD),
    EventKind.SKIPPED: ("Left out", "\N{EN DASH}", "late"),
    EventKind.RESENT: ("Sent again", *_LATE),
    EventKind.TAKEN_OVER: ("Taken over", *_LATE),
    EventKind.CANCEL_REQUESTED: ("Cancel wanted", "\N{EN DASH}", "idle"),
    EventKind.PAUSED: ("Paused", "‖", "late"),
    EventKind.RESUMED: ("Resumed", "●", "busy"),
    EventKind.RESET: ("Run again", "↻", "busy"),
    EventKind.EXTENDED: ("Plan extended", "●", "busy"),
    EventKind.ENDED: ("Ended", "○", "idle"),
}
_ENDS = {"SUCCEEDED": _GOOD, "DEGRADED": ("≈", "late"), "FAILED": _BAD, "CANCELLED": ("\N{EN DASH}", "idle")}


@dataclass(frozen=True, slots=True)
class HistoryLine:
    """One event."""

    event_id: str
    at_ms: int
    after: str
    step: str
    look: Look
    told: str
    failure: bool


def history_lines(events: list[Event], created_ms: int) -> list[HistoryLine]:
    """One line an event, in their order; `after` counts from the workflow's creation."""
    return [_line(event, created_ms) for event in events]


def _line(event: Event, created_ms: int) -> HistoryLine:
    word, mark, css = _LOOKS[event.kind]
    if event.kind in (EventKind.ENDED, EventKind.SUCCEEDED):
        mark, css = _ENDS[event.status]
    told = [say(event.data) for name, say in _SAYINGS.items() if event.data.get(name)]
    if event.kind is EventKind.ENDED:
        told = [event.status.lower(), *told]
    after = f"+{duration(max(0, event.at_ms - created_ms))}"
    return HistoryLine(
        event.event_id, event.at_ms, after, event.step, Look(mark, word, css), ", ".join(told), is_failure(event)
    )


def _wait(data: dict[str, Any]) -> str:
    what = "the breaker" if data.get("called") == "no" else "a retry"
    return f"waits {duration(float(data['wait_ms']))} for {what}"


def _error(data: dict[str, Any]) -> str:
    error = data["error"]
    return f"{error.get('error_type', 'error')}: {error.get('message', '')}"


_SAYINGS: dict[str, Callable[[dict[str, Any]], str]] = {
    "attempt": lambda data: f"attempt {data['attempt']}",
    "round": lambda data: f"round {data['round']}",
    "from": lambda data: f"from {data['from']}",
    "worker": lambda data: f"on {data['worker']}",
    "wait_ms": _wait,
    "because": lambda data: f"because of {data['because']}",
    "why": lambda data: str(data["why"]),
    "error": _error,
    "degradation": lambda data: f"stand-in: {data['degradation'].get('reason', data['degradation'].get('source', ''))}",
    "steps": lambda data: f"{len(data['steps'].split(',')):,} steps now",
    "actor": lambda data: f"by {data['actor']}",
    "reason": lambda data: f"“{data['reason']}”",
    "message": lambda data: str(data["message"]),
}
