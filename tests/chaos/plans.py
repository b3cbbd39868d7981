"""Plans with dependencies on real workers: running many at once, and the verdict over them."""

import json
import secrets
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from agents.registry import AgentSpec, build_registry
from core.settings import FurtherAgent, Settings
from pipeline.asked.plan import checked_plan
from pipeline.asked.step import AskedStep
from pipeline.build import chained
from state import keys
from state.events import Event, EventKind
from state.model import Mode, NewWorkflow, Route, StepStatus, WorkflowRecord, WorkflowStatus
from tests.chaos.arena import Arena, Shape
from tests.chaos.dags import AGENTS, FIRST_RETRY_S, Dag, before_of
from tests.floor import FAST
from tests.processes import LocalProcess, answers, free_ports, wait_for

MOST_STEPS = 1_000
# What is proven is the plan: no breaker opens, and no retry is refused.
FREE = {"RETRY_BUDGET_RESERVE": "100000", "RETRY_BUDGET_MAX": "100000", "MAX_STEPS": str(MOST_STEPS)}
ENDS = frozenset({EventKind.SUCCEEDED, EventKind.SKIPPED})


class LocalPlanAgent(LocalProcess):
    """The agent that a plan's inputs tell what to do; it stands for all the further agents."""

    def __init__(self, folder: Path) -> None:
        (self.port,) = free_ports(1)
        self.url = f"http://127.0.0.1:{self.port}"
        super().__init__([sys.executable, "-m", "tests.chaos.plan_agent", str(self.port), str(folder)], folder)

    def up(self) -> bool:
        return answers(f"{self.url}/health")


@dataclass(frozen=True)
class Sent:
    """A plan that was sent."""

    dag: Dag
    workflow: NewWorkflow

    @property
    def workflow_id(self) -> str:
        """Its workflow."""
        return self.workflow.workflow_id


class PlanStage:
    """An arena whose workers know three further agents."""

    def __init__(self, arena: Arena, registry: Mapping[str, AgentSpec]) -> None:
        self.arena, self._registry = arena, registry

    def workflow(self, asked: Sequence[AskedStep], deadline_s: float = 120.0) -> NewWorkflow:
        """A workflow of these steps."""
        steps = chained(checked_plan(asked, self._registry, MOST_STEPS))
        workflow_id = secrets.token_hex(16)
        request = {"query": "a plan", "query_id": workflow_id}
        return NewWorkflow(workflow_id, request, Mode.BACKGROUND, deadline_s, steps, "", Route.PLAN, "it was given")

    def send(self, dag: Dag) -> Sent:
        """Begin a plan."""
        sent = Sent(dag, self.workflow(dag.asked))
        self.arena.send(sent.workflow)
        return sent

    def record(self, workflow_id: str) -> WorkflowRecord:
        """Where it stands."""
        found = self.arena.store.record(workflow_id)
        assert found is not None
        return found

    def ended(self, sent: Iterable[Sent], limit_s: float = 60.0) -> None:
        """Wait until all have ended."""
        for one in sent:
            wait_for(partial(self.final, one), f"the end of {one.workflow_id}", limit_s)

    def final(self, sent: Sent) -> bool:
        """Whether it has ended; a quick look."""
        status = self.arena.client.hget(keys.record(sent.workflow_id), "status")
        return WorkflowStatus(status.decode()).final

    def calls(self) -> dict[str, list[dict[str, Any]]]:
        """Every call the agent saw, by workflow, in order."""
        found: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
        for line in (self.arena.folder / "calls.jsonl").read_text().splitlines():
            call = json.loads(line)
            found[call["x-workflow-id"]].append(call)
        return found


@contextmanager
def plan_stage(folder: Path, shape: Shape) -> Iterator[PlanStage]:
    """Valkey, an agent and workers (more, if `shape` says so); leases of a second."""
    folder.mkdir(parents=True, exist_ok=True)
    agent = LocalPlanAgent(folder)
    try:
        agent.ready()
        one = FurtherAgent(url=agent.url, max_attempts=2, retry_base_s=FIRST_RETRY_S, retry_cap_s=FIRST_RETRY_S,
                           breaker_threshold=100_000)
        known = dict.fromkeys(AGENTS, one)
        told = json.dumps({name: one.model_dump() for name, one in known.items()})
        with Arena(folder, replace(shape, settings={**FAST, **FREE, "AGENTS": told, **shape.settings})) as arena:
            registry = build_registry(Settings(_env_file=None, agents=known))
            yield PlanStage(arena.ready(), registry)
    finally:
        agent.kill()


def faults_of(sent: Sent, record: WorkflowRecord, events: Sequence[Event], calls: Iterable[Mapping[str, Any]],
              ) -> list[str]:
    """Every rule that the run of a plan broke."""
    fates = sent.dag.fates
    found = [f"{name} ended {record.steps[name].status}, not {fate}" for name, fate in fates.items()
             if record.steps[name].status is not fate]
    if record.status is not sent.dag.fate:
        found.append(f"the workflow ended {record.status}, not {sent.dag.fate}")
    found += _out_of_order(sent.dag, events) + _uncalled_for(sent.dag, events, calls, record)
    recorded = Counter(event.step for event in events if event.kind is EventKind.SUCCEEDED)
    succeeded = {name for name, fate in fates.items() if fate is StepStatus.SUCCEEDED}
    found += [f"{name} was recorded {recorded[name]} times" for name in succeeded if recorded[name] != 1]
    found += [f"{name} was recorded, and should not have run" for name in recorded if name not in succeeded]
    return [f"{sent.workflow_id}: {fault}" for fault in found]


def _out_of_order(dag: Dag, events: Sequence[Event]) -> list[str]:
    before = {step.name: before_of(step) for step in dag.asked}
    ended: set[str] = set()
    found = []
    for event in events:
        if event.kind is EventKind.BEGUN and not before[event.step] <= ended:
            found.append(f"{event.step} began before {', '.join(sorted(before[event.step] - ended))} had ended")
        if event.kind is EventKind.BEGUN and event.step not in dag.runs:
            found.append(f"{event.step} began, and should not have run")
        if event.kind in ENDS:
            ended.add(event.step)
    return found


def _uncalled_for(dag: Dag, events: Sequence[Event], calls: Iterable[Mapping[str, Any]],
                  record: WorkflowRecord) -> list[str]:
    """What the agent saw: no call too early, none too many, each with all the outputs there are."""
    before = {step.name: before_of(step) for step in dag.asked}
    ended_ms = {event.step: event.at_ms for event in events if event.kind in ENDS}
    begun = Counter(event.step for event in events if event.kind is EventKind.BEGUN)
    called: Counter[str] = Counter()
    found = []
    for call in calls:
        step = call["x-step"]
        called[step] += 1
        early = [name for name in before[step] if ended_ms.get(name, float("inf")) > call["at_ms"]]
        found += [f"{step} was called before {name} had ended" for name in early]
        given = {name for name in before[step] if record.steps[name].status.done}
        if set(call["inputs"]) != given:
            found.append(f"{step} was called with {call['inputs']}, not {sorted(given)}")
    found += [f"{step} was called {times} times, and begun {begun[step]} times"
              for step, times in called.items() if times > begun[step]]
    return found + [f"{step} was never called" for step in dag.runs if not called[step]]
