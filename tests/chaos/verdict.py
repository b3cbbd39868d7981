"""The verdict over a run: was every promise in the client's own log kept, once, and is nothing left behind?"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from state import keys
from state.events import EventKind
from state.model import StepStatus, WorkflowRecord
from tests.chaos.arena import Arena
from tests.chaos.boundary import unfinished
from tests.chaos.calls import uncalled_for
from tests.chaos.history import violations
from tests.processes import wait_for

OUT_OF_TIME = "ran out of time"
CLAIMED = frozenset({StepStatus.HELD, StepStatus.RUNNING})


@dataclass
class Verdict:
    """What was found. All but `statuses`, `events` and `calls` must be empty."""

    accepted: int
    statuses: Counter[str] = field(default_factory=Counter)
    events: Counter[str] = field(default_factory=Counter)
    calls: Counter[int] = field(default_factory=Counter)
    lost: list[str] = field(default_factory=list)
    illegal: list[str] = field(default_factory=list)
    out_of_time: list[str] = field(default_factory=list)
    left_due: list[str] = field(default_factory=list)
    left_leased: list[str] = field(default_factory=list)
    attempts_called_twice: list[str] = field(default_factory=list)
    uncalled_for: list[str] = field(default_factory=list)

    @property
    def faults(self) -> dict[str, list[str]]:
        """Everything that must not be, by kind."""
        kinds = ("lost", "illegal", "out_of_time", "left_due", "left_leased", "attempts_called_twice", "uncalled_for")
        return {kind: found for kind in kinds if (found := getattr(self, kind))}


def settle(arena: Arena, limit_s: float) -> None:
    """Wait until no workflow is unfinished."""
    wait_for(lambda: not unfinished(arena.client), "all workflows to end", limit_s)


def judge(arena: Arena, accepted: Iterable[str], *, others: bool = True) -> Verdict:
    """Look at every workflow there is, promised or not (`others`): whatever was recorded must end legally."""
    promised = set(accepted)
    verdict = Verdict(len(promised), left_due=[entry.decode() for entry in arena.client.zrange(keys.DUE, 0, -1)])
    recorded = {entry.decode() for entry in arena.client.zrange(keys.BY_TIME, 0, -1)} if others else set()
    for workflow_id in sorted(promised | recorded):
        record = arena.store.record(workflow_id)
        if record is None or not record.status.final:
            verdict.lost.append(f"{workflow_id}: {record.status if record else 'no record'}")
            continue
        if workflow_id in promised:
            verdict.statuses[record.status] += 1
        _look_at(arena, record, verdict)
    calls = [call for call in arena.calls() if others or call["X-Workflow-Id"] in promised]
    verdict.calls = Counter(Counter(call["Idempotency-Key"] for call in calls).values())
    for workflow_id, own in groupby(sorted(calls, key=_workflow), key=_workflow):
        verdict.uncalled_for += [f"{workflow_id}: {found}" for found in uncalled_for(own, arena.events(workflow_id))]
    attempts = Counter((call["Idempotency-Key"], call["X-Attempt"]) for call in calls)
    verdict.attempts_called_twice = [f"{key} {attempt}" for (key, attempt), times in attempts.items() if times > 1]
    return verdict


def _workflow(call: Mapping[str, Any]) -> str:
    return str(call["X-Workflow-Id"])


def _look_at(arena: Arena, record: WorkflowRecord, verdict: Verdict) -> None:
    events = arena.events(record.workflow_id)
    verdict.events.update(str(event.kind) for event in events)
    plan = {step.name: step.after for step in record.steps.values()}
    verdict.illegal += [f"{record.workflow_id}: {broken}" for broken in violations(events, plan, record.status)]
    kinds = Counter(event.kind for event in events)
    if kinds[EventKind.ENDED] != 1 + kinds[EventKind.RESET]:
        verdict.illegal.append(f"{record.workflow_id}: not exactly one end a round")
    if OUT_OF_TIME in record.message:
        verdict.out_of_time.append(record.workflow_id)
    verdict.left_leased += [f"{record.workflow_id} {step.name}" for step in record.steps.values()
                            if step.status in CLAIMED]
