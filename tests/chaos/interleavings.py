"""Operators, crashes, and late and doubled messages in random order, on real workers that call real agents.

Time passes by itself here, so nothing is predicted: whatever was done, all must end, and `verdict` judges what is left.
"""

import random
import time
from collections import Counter
from collections.abc import Collection
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
from tests.chaos.boundary import QUEUES, Boundary, standing
from tests.chaos.interleaved import seen_in
from tests.chaos.verdict import judge, settle
from tests.processes import AGENTS, POLL_S, LocalWorker, wait_for

WORKERS, WORKFLOWS, STEPS = 2, 5, 30
ALL_END_IN_S = 60.0
GETS_ON_IN_S = 0.4
NOT_YET_CALLED = frozenset({StepStatus.WAITING, StepStatus.QUEUED, StepStatus.HELD, StepStatus.RETRYING})
SETTINGS = {
    **RESTLESS, "LEASE_S": "1", "RENEW_INTERVAL_S": "0.3", "RESEND_GRACE_S": "1", "RETRY_BUDGET_RESERVE": "10000",
    **{f"{agent.upper()}_RETRY_BASE_S": "0.1" for agent in AGENTS},
    **{f"{agent.upper()}_RETRY_CAP_S": "0.5" for agent in AGENTS},
}
# What a few examples reach, and what many do.
MUST_BE_REACHED = [
    *(f"{verb} done" for verb in ("cancel", "pause", "resume", "retry")), "retry refused", "stopped during a call",
    "crash", "first message lost", "brought back", "retrying", "message again", "revoke",
]
REACHED_IN_TIME = [
    *MUST_BE_REACHED, "cancel during a call", "pause during a call", "crash during a call", "resent", "taken_over",
    "message again, step RUNNING", "message again, step SUCCEEDED", "revoke, workflow RUNNING",
    "message again, step QUEUED", "message again of an earlier round",
    *(f"message again, workflow {status}" for status in ("PAUSED", "CANCELLED", "SUCCEEDED", "FAILED")),
    *(f"{kind} in a pause" for kind in ("succeeded", "retrying", "taken_over")),
    *(f"ended {status}" for status in ("SUCCEEDED", "DEGRADED", "FAILED", "CANCELLED")),
]
NOW, SOON = "now", "soon"


def an(name: str, **drawn: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """An act, on which workflow, and when: at once, when something has happened to it, or when a step is called."""
    return st.fixed_dictionaries({
        "name": st.just(name), "which": st.integers(0, 9), "when": st.sampled_from([NOW, NOW, SOON, *AGENTS]), **drawn})


steps = st.sampled_from(AGENTS)
accept = an("accept", trouble=st.sampled_from(["", "nlp hold", "data hold", "viz hold", "nlp 422", "data 422"]),
            lost=st.booleans())
wish = an("wish", verb=st.sampled_from(["cancel", "pause", "pause", "pause", "resume", "resume"]))
run_again = an("run_again", step=st.sampled_from(["", "", *AGENTS]), mended=st.booleans())
hint = an("hint", step=steps, first=st.booleans(), number=st.integers(1, 3))
acts = st.one_of(
    accept, wish, wish, wish, run_again, run_again, hint, hint,
    an("tell", wanted=st.sets(steps, min_size=1), word=st.sampled_from(["go on", "go on", "422"])),
    an("revoke", step=steps, whole=st.booleans()),
    an("crash", worker=st.integers(0, WORKERS - 1)),
)


class Interleavings(RuleBasedStateMachine):
    """A few workflows, and what is done to them while they run."""

    arena: Arena
    reached: Counter[str]
    chance: random.Random  # names workflows: what agents do to them follows from it

    def __init__(self) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.accept("", trouble="", lost=False)

    @rule(act=acts)
    def act(self, act: dict[str, Any]) -> None:
        """One of the acts below. None is a rule of its own: each example is to have all of them."""
        drawn = {word: value for word, value in act.items() if word not in ("name", "which", "when")}
        workflow_id = self.one(act["which"], ended=act["name"] == "run_again")
        self.wait(workflow_id, act["when"])
        getattr(self, act["name"])(workflow_id, **drawn)

    def accept(self, _other: str, trouble: str, lost: bool) -> None:
        """A question and its first message, unless that is lost; an agent may be told to hold its call or refuse it."""
        if len(self.ids) == WORKFLOWS:
            return
        planned = plan_workflow(Question(f"question {len(self.ids)}"))
        workflow: NewWorkflow = replace(planned, workflow_id=self.chance.randbytes(16).hex())
        self.ids.append(workflow.workflow_id)
        if trouble:
            self.arena.told(workflow.workflow_id, *trouble.split())
        self.arena.send(workflow, lost=lost)
        self.reached["first message lost"] += lost

    def wish(self, workflow_id: str, verb: str) -> None:
        """An operator's, through the API."""
        self.post(workflow_id, verb)

    def run_again(self, workflow_id: str, step: str, mended: bool) -> None:
        """Also through the API; what made an agent hold or refuse its call may be mended before."""
        if mended:
            self.tell(workflow_id, AGENTS, "go on")
        self.post(workflow_id, "retry", {"step": step})

    def tell(self, workflow_id: str, wanted: Collection[str], word: str) -> None:
        """Agents go on with what they were told to hold or refuse, or refuse it from now on."""
        for step in wanted:
            self.arena.told(workflow_id, step, None if word == "go on" else word)

    def revoke(self, workflow_id: str, step: str, whole: bool) -> None:
        """Through Celery's own remote control: the workflow, or the newest message of a step."""
        record = self.record(workflow_id)
        found = record.steps[step]
        self.arena.revoke(workflow_id if whole else Send(workflow_id, step, found.round, found.send).task_id)
        self.reached.update(["revoke", f"revoke, workflow {record.status}"])

    def hint(self, workflow_id: str, step: str, first: bool, number: int) -> None:
        """A message that was sent before comes late, or once more: of the newest round or of the first."""
        record = self.record(workflow_id)
        found = record.steps[step]
        if not found.send:
            return
        round_, number = (0, 1) if first else (found.round, min(number, found.send))
        self.arena.hint(Send(workflow_id, step, round_, number, found.queue))
        self.reached.update(["message again", f"message again, workflow {record.status}",
                             f"message again, step {found.status}"])
        self.reached["message again of an earlier round"] += round_ < found.round

    def crash(self, _workflow_id: str, worker: int) -> None:
        """A worker is killed with -9 and started again; nobody waits for it."""
        victim = self.arena.processes["worker"][worker]
        assert isinstance(victim, LocalWorker)
        if victim.up():
            stood = standing(self.arena.client, victim.hostname)
            victim.kill()
            victim.start()
            self.reached["crash"] += 1
            self.reached["crash during a call"] += bool(stood[Boundary.CALL])

    def wait(self, workflow_id: str, when: str) -> None:
        """Until something has happened to a workflow, or a step is called, if either may; at most `GETS_ON_IN_S`."""
        before, gives_up_at = self.arena.history_length(workflow_id), time.monotonic() + GETS_ON_IN_S
        while when != NOW and time.monotonic() < gives_up_at:
            record = self.record(workflow_id)
            happened = self.arena.history_length(workflow_id) > before
            called = when in record.steps and record.steps[when].status not in NOT_YET_CALLED
            still = record.status.final or record.status is WorkflowStatus.PAUSED
            if still or called or (happened and when == SOON):
                return
            time.sleep(POLL_S)

    def one(self, which: int, *, ended: bool) -> str:
        """Mostly one that has not ended; or, where `ended`, mostly one that has."""
        meant = [one for one in self.ids if self.record(one).status.final is ended]
        among = meant if meant and which < 8 else self.ids
        return among[which % len(among)]

    def record(self, workflow_id: str) -> WorkflowRecord:
        found = self.arena.store.record(workflow_id)
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
            self.tell(workflow_id, AGENTS, "go on")
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
    shape = Shape(workers=WORKERS, apis=1, beats=0, longest_s=0.15, fault_share=0.15, seed=seeded, settings=SETTINGS)
    reached: Counter[str] = Counter()
    with Arena(folder, shape) as arena:
        arena.ready()
        members = {"arena": arena, "reached": reached, "chance": random.Random(seeded)}
        machine = seed(seeded)(type("InterleavingsHere", (Interleavings,), members))
        run_state_machine_as_test(machine, settings=settings(
            max_examples=examples, stateful_step_count=STEPS, deadline=None, database=None, phases=[Phase.generate],
            suppress_health_check=list(HealthCheck)))
        wait_for(lambda: not any(map(arena.client.llen, QUEUES)), "all messages to be received", ALL_END_IN_S)
        return Outcome(reached, judge(arena, []).faults)

