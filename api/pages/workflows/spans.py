"""What a workflow's steps did, as stretches of time: each attempt and each wait, read from its history."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from state.events import Event, EventKind
from state.model import WorkflowRecord


class SpanKind(StrEnum):
    """What a stretch of a lane is."""

    CALL = "call"
    WAITING = "waiting"
    RETRY_WAIT = "retry wait"
    BREAKER_WAIT = "breaker wait"


@dataclass(slots=True)
class Span:
    """One attempt or one wait; without `to_ms` it lasts."""

    kind: SpanKind
    from_ms: int
    to_ms: int | None = None
    attempt: int = 0
    css: str = "busy"
    mark: str = "●"
    worker: str = ""
    error: dict[str, Any] = field(default_factory=dict)


def last_round(events: Sequence[Event]) -> list[Event]:
    """The events of the last round, oldest first, of those that are given newest first."""
    told: list[Event] = []
    for event in events:
        told.append(event)
        if event.kind is EventKind.RESET:
            break
    return told[::-1]


def spans_of(record: WorkflowRecord, events: Sequence[Event]) -> dict[str, list[Span]]:
    """The spans by step, in their order."""
    return _Reader(record).read(events)


class _Reader:
    """Goes through the events once; `_open` is the span of a step that lasts."""

    def __init__(self, record: WorkflowRecord) -> None:
        self._record = record
        self._spans: defaultdict[str, list[Span]] = defaultdict(list)
        self._open: dict[str, Span] = {}
        self._ready = record.created_ms  # what waits for no other step waits since then
        self._done_at: dict[str, int] = {}

    def read(self, events: Sequence[Event]) -> dict[str, list[Span]]:
        """All of them."""
        for event in events:
            if event.step in self._record.steps:
                _STEPS.get(event.kind, _Reader.ignore)(self, event)
            elif event.kind in _STANDS:
                self.stands(event)
        return self._spans

    def ignore(self, event: Event) -> None:
        """What says nothing about time."""

    def stands(self, event: Event) -> None:
        """The workflow as a whole stops, or goes on."""
        self._ready = event.at_ms
        for name, span in list(self._open.items()):
            # A call that runs when its workflow is paused may end.
            if event.kind is not EventKind.PAUSED or span.kind is not SpanKind.CALL:
                self._close(name, event.at_ms, "idle", "\N{EN DASH}")

    def begun(self, event: Event) -> None:
        """A call began, and what the step waited for is over."""
        if event.step in self._open:
            self._close(event.step, event.at_ms)
        else:
            self._waited(event)
        attempt, worker = int(event.data.get("attempt", 0)), event.data.get("worker", "")
        self._begin(event.step, Span(SpanKind.CALL, event.at_ms, attempt=attempt, worker=worker))

    def _waited(self, event: Event) -> None:
        """The wait before a first attempt: since what the step waits for was done."""
        after = [self._done_at[name] for name in self._record.steps[event.step].after if name in self._done_at]
        since = max([self._ready, *after])
        if since < event.at_ms:
            self._spans[event.step].append(Span(SpanKind.WAITING, since, event.at_ms, css="idle", mark="○"))

    def succeeded(self, event: Event) -> None:
        """A call, or what stood in for it, gave an output."""
        css, mark = ("late", "≈") if event.status == "DEGRADED" else ("good", "✓")
        self._close(event.step, event.at_ms, css, mark)
        self._done_at[event.step] = event.at_ms

    def failed(self, event: Event) -> None:
        """The step ended without an output."""
        self._close(event.step, event.at_ms, "bad", "✕", event.data.get("error"))
        self._done_at[event.step] = event.at_ms

    def retrying(self, event: Event) -> None:
        """The step waits until it may be tried again."""
        error = event.data.get("error") or {}
        if event.data.get("called") == "no":  # the breaker refused, so there was no attempt
            if self._open.pop(event.step, None):
                self._spans[event.step].pop()
            kind = SpanKind.BREAKER_WAIT
        else:
            self._close(event.step, event.at_ms, "bad", "✕", error)
            kind = SpanKind.RETRY_WAIT
        self._begin(event.step, Span(kind, event.at_ms, css="late", mark="↻", error=error))

    def lost(self, event: Event) -> None:
        """The worker died; the step waits for another one."""
        self._close(event.step, event.at_ms, "late", "↻", {"error_type": "worker lost"})
        self._begin(event.step, Span(SpanKind.WAITING, event.at_ms, css="idle", mark="○"))

    def _begin(self, step: str, span: Span) -> None:
        self._spans[step].append(span)
        self._open[step] = span

    def _close(
        self, step: str, at_ms: int, css: str = "", mark: str = "", error: dict[str, Any] | None = None
    ) -> None:
        span = self._open.pop(step, None)
        if span is None:
            return
        span.to_ms = at_ms
        if span.kind is SpanKind.CALL and css:
            span.css, span.mark, span.error = css, mark, error or {}


_STANDS: Final = frozenset({EventKind.PAUSED, EventKind.RESUMED, EventKind.RESET, EventKind.ENDED})
_STEPS: Final[dict[EventKind, Callable[[_Reader, Event], None]]] = {
    EventKind.BEGUN: _Reader.begun,
    EventKind.SUCCEEDED: _Reader.succeeded,
    EventKind.RETRYING: _Reader.retrying,
    EventKind.FAILED: _Reader.failed,
    EventKind.SKIPPED: _Reader.failed,
    EventKind.TAKEN_OVER: _Reader.lost,
}
