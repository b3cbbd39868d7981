"""What became of the questions: records and histories, beside the proxy's own log of the calls that agents saw."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from state import keys
from state.events import Event, EventKind
from state.model import Mode, StepStatus, WorkflowRecord, WorkflowStatus
from state.record import read_record
from tests.chaos.asking import Asked
from tests.chaos.stage import Stage

AT_ONCE = 500
ANSWERED = frozenset({WorkflowStatus.SUCCEEDED, WorkflowStatus.DEGRADED})


@dataclass(frozen=True)
class Trace:
    """One question, its record and its history."""

    asked: Asked
    record: WorkflowRecord
    events: list[Event]

    @property
    def answered(self) -> bool:
        """Whether it ended with an answer."""
        return self.record.status in ANSWERED

    @property
    def failed_though_known(self) -> bool:
        """Whether somebody waited for it in vain, though an earlier answer could have stood in."""
        known = self.asked.warm and self.asked.mode is Mode.INTERACTIVE
        return known and self.record.status is WorkflowStatus.FAILED

    @property
    def duration_s(self) -> float:
        """From the door to the end."""
        return ((self.record.finished_ms or 0) - self.record.created_ms) / 1000


@dataclass(frozen=True)
class Call:
    """One call that arrived at an agent (or at the proxy in its place); `hit`: a fault was done to it."""

    agent: str
    workflow_id: str
    step: str
    at_ms: int
    hit: bool


def traces_of(stage: Stage, asked: Sequence[Asked]) -> list[Trace]:
    """Read them all, after the end."""
    return [trace for at in range(0, len(asked), AT_ONCE) for trace in _page(stage, asked[at:at + AT_ONCE])]


def _page(stage: Stage, asked: Sequence[Asked]) -> list[Trace]:
    pipeline = stage.client.pipeline(transaction=False)
    for one in asked:
        pipeline.hgetall(keys.record(one.workflow_id))
        pipeline.xrange(keys.events(one.workflow_id))
    raw = pipeline.execute()
    found = []
    for one, fields, entries in zip(asked, raw[::2], raw[1::2], strict=True):
        record = read_record(one.workflow_id, fields)
        assert record is not None, f"{one.workflow_id} is lost"
        found.append(Trace(one, record, [Event.of_entry(*entry) for entry in entries]))
    return found


def calls_of(stage: Stage) -> list[Call]:
    """Every call of a step, in order; neither health checks nor looks at schemas."""
    return [Call(line["agent"], line["X-Workflow-Id"], line["X-Step"], _ms(line["at"]), bool(line["faults"]))
            for line in stage.faults.calls() if line["method"] == "POST"]


def _ms(iso: str) -> int:
    return round(datetime.fromisoformat(iso).timestamp() * 1000)


def touched(calls: Iterable[Call], agent: str) -> set[tuple[str, str]]:
    """Steps of an agent of which a call was hit."""
    return {(call.workflow_id, call.step) for call in calls if call.hit and call.agent == agent}


def step_statuses(traces: Iterable[Trace], steps: set[tuple[str, str]],
                  mode: Mode | None = None) -> Counter[StepStatus]:
    """How some steps ended, of one mode or of both."""
    return Counter(step.status for trace in traces if mode in (None, trace.asked.mode)
                   for step in trace.record.steps.values() if (trace.record.workflow_id, step.name) in steps)


def begun_between(traces: Iterable[Trace], step: str, from_ms: int, to_ms: int) -> int:
    """Steps that were begun in a time, those that were refused too; each once."""
    return sum(any(event.kind is EventKind.BEGUN and event.step == step and from_ms <= event.at_ms <= to_ms
                   for event in trace.events) for trace in traces)


def shares(traces: Iterable[Trace]) -> dict[str, dict[str, float]]:
    """Final statuses in per cent, by mode and by whether the question had been answered before."""
    counted: dict[str, Counter[str]] = {}
    for trace in traces:
        known = "known" if trace.asked.warm else "new"
        counted.setdefault(f"{trace.asked.mode} {known}", Counter())[str(trace.record.status)] += 1
    return {group: {status: round(100 * count / counts.total(), 2) for status, count in sorted(counts.items())}
            for group, counts in sorted(counted.items())}


def causes(traces: Iterable[Trace]) -> dict[str, int]:
    """Why steps failed: step, error type, and the rule or error as far as the record tells."""
    return dict(Counter(f"{step.name}: {(step.error or {}).get('message', '')}" for trace in traces
                        for step in trace.record.steps.values() if step.status is StepStatus.FAILED).most_common(10))


def percentile(values: Sequence[float], share: float) -> float:
    """The value that a share of all does not exceed; 0 of none."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))] if values else 0.0


def seconds(traces: Iterable[Trace]) -> dict[str, dict[str, Any]]:
    """How long questions took, by mode."""
    by_mode: dict[str, list[float]] = {}
    for trace in traces:
        by_mode.setdefault(trace.asked.mode, []).append(trace.duration_s)
    return {mode: {"questions": len(values), "p50_s": percentile(values, 0.5), "p95_s": percentile(values, 0.95),
                   "slowest_s": max(values)} for mode, values in sorted(by_mode.items())}
