"""Operators, crashes, and late and doubled messages in random order, on real workers that call real agents.

Time passes by itself here, so nothing is predicted: whatever was done, all must end, and `verdict` judges what is left.
"""

import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import requests
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from pipeline.question import Question, plan_workflow
from state.model import NewWorkflow, StepStatus, WorkflowRecord, WorkflowStatus
from state.transition import Send
from tests.chaos.arena import RESTLESS, Arena, Shape
from tests.chaos.boundary import Boundary, standing
from tests.chaos.interleaved import seen_in
from tests.chaos.verdict import judge, settle
from tests.processes import AGENTS, POLL_S, LocalWorker

WORKERS, STEPS = 2, 30
ALL_END_IN_S = 60.0
GETS_ON_IN_S = 1.0
SETTINGS = {
    **RESTLESS, "LEASE_S": "1", "RENEW_INTERVAL_S": "0.3", "RESEND_GRACE_S": "1", "RETRY_BUDGET_RESERVE": "10000",
    **{f"{agent.upper()}_RETRY_BASE_S": "0.1" for agent in AGENTS},
    **{f"{agent.upper()}_RETRY_CAP_S": "0.5" for agent in AGENTS},
}
MUST_BE_REACHED = [
    *(f"{verb} done" for verb in ("cancel", "pause", "resume", "retry")),
]
some = st.integers(0, 7)  # one of the workflows there are
steps = st.sampled_from(AGENTS)


class Interleavings(RuleBasedStateMachine):
    """A few workflows, and what is done to them while they run."""

    arena: Arena
    reached: Counter[str]
    chance: random.Random  # names workflows: what agents do to them follows from it

    def __init__(self) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.accept("", lost=False)

    @rule(trouble=st.sampled_from(["", "nlp hold", "data hold", "viz hold", "nlp 422", "data 422"]), lost=st.booleans())
    def accept(self, trouble: str, lost: bool) -> None:
        """A question and its first message, unless that is lost; an agent may be told to hold its call or refuse it."""
        planned = plan_workflow(Question(f"question {len(self.ids)}"))
        workflow: NewWorkflow = replace(planned, workflow_id=self.chance.randbytes(16).hex())
        self.ids.append(workflow.workflow_id)
        if trouble:
            self.arena.told(workflow.workflow_id, *trouble.split())
        self.arena.send(workflow, lost=lost)
        self.reached["first message lost"] += lost

    @rule(which=some, verb=st.sampled_from(["cancel", "pause", "pause", "resume", "resume"]))
    def operate(self, which: int, verb: str) -> None:
        """Through the API."""
        self.post(self.one(which), verb)

    @rule(which=some, step=st.sampled_from(["", "", *AGENTS]), mended=st.booleans())
    def run_again(self, which: int, step: str, mended: bool) -> None:
        """Also through the API; what made an agent refuse may be mended before."""
        if mended:
            self.let_go(which, AGENTS)
        self.post(self.one(which), "retry", {"step": step})

    @rule(which=some, step=steps, whole=st.booleans())
    def revoke(self, which: int, step: str, whole: bool) -> None:
        """Through Celery's own remote control: the workflow, or the newest message of a step."""
        workflow_id, record = self.one(which), self.record(which)
        found = record.steps[step]
        self.arena.revoke(workflow_id if whole else Send(workflow_id, step, found.round, found.send).task_id)
        self.reached["revoke while it ran"] += record.status is WorkflowStatus.RUNNING

    @rule(which=some, wanted=st.sets(steps, min_size=1))
    def let_go(self, which: int, wanted: Any) -> None:
        """Agents go on with what they were told to hold, or to refuse."""
        for step in wanted:
            self.arena.told(self.one(which), step, None)

    @rule(which=some, step=steps, first=st.booleans(), number=st.integers(1, 3))
    def message_again(self, which: int, step: str, first: bool, number: int) -> None:
        """A message that was sent before comes late, or once more: of the newest round or of the first."""
        record = self.record(which)
        found = record.steps[step]
        round_, number = (0, 1) if first else (found.round, min(number, found.send))
        if not found.send:
            return
        self.arena.hint(Send(record.workflow_id, step, round_, number, found.queue))
        self.reached[f"message again, workflow {record.status}"] += 1
        self.reached[f"message again, step {found.status}"] += 1
        self.reached["message of an earlier round"] += round_ < found.round

    @rule(which=st.integers(0, WORKERS - 1))
    def crash(self, which: int) -> None:
        """A worker is killed with -9 and started again; nobody waits for it."""
        victim = self.arena.processes["worker"][which]
        assert isinstance(victim, LocalWorker)
        if victim.up():
            stood = standing(self.arena.client, victim.hostname)
            victim.kill()
            victim.start()
            self.reached["crash"] += 1
            self.reached["crash during a call"] += bool(stood[Boundary.CALL])

    @rule(which=some)
    def gets_on(self, which: int) -> None:
        """A while, until something has happened to it."""
        before = self.arena.history_length(self.one(which))
        self.until(lambda: self.arena.history_length(self.one(which)) > before)

    @rule(which=some, step=steps)
    def is_called(self, which: int, step: str) -> None:
        """A while, until its step is with the agent."""
        self.until(lambda: self.record(which).steps[step].status is StepStatus.RUNNING)

    def until(self, condition: Callable[[], bool]) -> None:
        """At most `GETS_ON_IN_S`: it may be held, paused or over."""
        gives_up_at = time.monotonic() + GETS_ON_IN_S
        while not condition() and time.monotonic() < gives_up_at:
            time.sleep(POLL_S)

    def one(self, which: int) -> str:
        return self.ids[which % len(self.ids)]

    def record(self, which: int) -> WorkflowRecord:
        found = self.arena.store.record(self.one(which))
        assert found is not None
        return found

    def post(self, workflow_id: str, verb: str, body: dict[str, Any] | None = None) -> None:
        """A wish: granted, or refused because of the status; a granted cancel shows at once."""
        url = f"{self.arena.api_urls[0]}/api/workflow/{workflow_id}/{verb}"
        reply = requests.post(url, json={"actor": "chance", **(body or {})}, timeout=30)
        assert reply.status_code in (200, 202, 409), reply.text
        if reply.status_code == 409:
            assert reply.json()["error_type"] == "forbidden_by_status", reply.text
            outcome = "refused"
        else:
            outcome = "done" if reply.json().get("changed", True) else "done before"
        if verb == "cancel" and reply.status_code == 200:
            assert reply.json()["status"] == "CANCELLED"
        self.reached[f"{verb} {outcome}"] += 1

    def teardown(self) -> None:
        """Nothing is held any more, nobody is paused: all must end, and legally."""
        for workflow_id in self.ids:
            for step in AGENTS:
                self.arena.told(workflow_id, step, None)
            self.post(workflow_id, "resume")
        settle(self.arena, ALL_END_IN_S)
        verdict = judge(self.arena, self.ids, others=False)
        assert verdict.faults == {}
        for workflow_id in self.ids:
            self.reached.update(seen_in(self.arena.events(workflow_id)))
        self.reached["examples"] += 1


@dataclass(frozen=True)
class Outcome:
    """How often what was reached, and the faults that were found when all was over."""

    reached: Counter[str]
    faults: dict[str, list[str]]


def interleave(folder: Path, examples: int, seeded: int) -> Outcome:
    """Try `examples` interleavings on the same processes; raises for the first that breaks a rule."""
    shape = Shape(workers=WORKERS, apis=1, beats=0, longest_s=0.05, fault_share=0.15, seed=seeded, settings=SETTINGS)
    reached: Counter[str] = Counter()
    with Arena(folder, shape) as arena:
        arena.ready()
        members = {"arena": arena, "reached": reached, "chance": random.Random(seeded)}
        machine = seed(seeded)(type("InterleavingsHere", (Interleavings,), members))
        run_state_machine_as_test(machine, settings=settings(
            max_examples=examples, stateful_step_count=STEPS, deadline=None, database=None, phases=[Phase.generate],
            suppress_health_check=list(HealthCheck)))
        reached["message received twice"] = messages_received_twice(arena)
        return Outcome(reached, judge(arena, []).faults)


def messages_received_twice(arena: Arena) -> int:
    """Task ids that workers tell to have received more than once."""
    received: Counter[str] = Counter()
    for worker in arena.processes["worker"]:
        received.update(line.partition("[")[2].partition("]")[0] for line in worker.logs().splitlines()
                        if "received" in line)
    return sum(times > 1 for times in received.values())
