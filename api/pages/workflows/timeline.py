"""A workflow's timeline: one lane a step, on it each attempt and each wait, read from the history of its last round."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from api.pages.steps import Look, duration, look_of
from api.pages.workflows.spans import Span, SpanKind, last_round, spans_of
from state.events import Event
from state.model import StepRecord, WorkflowRecord

READ_EVENTS: Final = 1_000
MOST_LANES: Final = 60
MOST_SPANS: Final = 40  # in one lane: the newest
_NARROWEST: Final = 0.4  # per cent, so that a quick call is seen
_TICKS: Final = 4


@dataclass(frozen=True, slots=True)
class Drawn:
    """A span in its place: `x` and `width` in per cent of the lane."""

    span: Span
    x: float
    width: float
    lasted: str

    @property
    def says(self) -> str:
        """The span in words."""
        span = self.span
        what = f"attempt {span.attempt}" if span.kind is SpanKind.CALL else str(span.kind)
        error = f": {span.error.get('error_type', 'error')}" if span.error else ""
        return f"{what}, {self.lasted}{error}"


@dataclass(frozen=True, slots=True)
class Lane:
    """One step."""

    step: StepRecord
    look: Look
    drawn: list[Drawn]

    @property
    def attempts(self) -> list[Drawn]:
        """Its calls."""
        return [one for one in self.drawn if one.span.kind is SpanKind.CALL]

    @property
    def waits(self) -> list[str]:
        """Its waits for a retry or a breaker, in words."""
        told = (SpanKind.RETRY_WAIT, SpanKind.BREAKER_WAIT)
        return [one.says for one in self.drawn if one.span.kind in told]


@dataclass(frozen=True, slots=True)
class Timeline:
    """The lanes, the ticks of the axis, and how many steps have no lane here."""

    lanes: list[Lane]
    ticks: list[tuple[float, str]]
    left_out: int


def timeline_of(record: WorkflowRecord, events: Sequence[Event], now_ms: int) -> Timeline:
    """The timeline of the last round; `events` are the newest, newest first."""
    told = last_round(events)
    began = told[0].at_ms if told else record.created_ms
    ended = max(record.finished_ms or now_ms, began + 1)
    spans = spans_of(record, told)
    steps = [step for step in record.steps.values() if spans.get(step.name)] or list(record.steps.values())
    lanes = [_lane(step, record, spans.get(step.name, []), began, ended) for step in steps[-MOST_LANES:]]
    ticks = [(100 * at / _TICKS, duration((ended - began) * at / _TICKS)) for at in range(_TICKS + 1)]
    return Timeline(lanes, ticks, len(record.steps) - len(lanes))


def _lane(step: StepRecord, record: WorkflowRecord, spans: list[Span], began: int, ended: int) -> Lane:
    drawn = [_drawn(span, began, ended) for span in spans[-MOST_SPANS:]]
    return Lane(step, look_of(step, record.status), drawn)


def _drawn(span: Span, began: int, ended: int) -> Drawn:
    to_ms = ended if span.to_ms is None else span.to_ms
    x = 100 * max(0, span.from_ms - began) / (ended - began)
    width = max(100 * (to_ms - max(span.from_ms, began)) / (ended - began), _NARROWEST)
    lasts = duration(max(0, to_ms - span.from_ms)) if span.to_ms is not None else "until now"
    return Drawn(span, round(min(x, 100 - _NARROWEST), 2), round(width, 2), lasts)
