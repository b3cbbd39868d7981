"""Plans on real workers: random ones, wide ones, joins under kills, and an operator's wishes."""

import random
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from pipeline.asked.step import AskedStep
from state.events import EventKind
from state.model import StepStatus, WorkflowRecord
from tests.chaos.arena import Shape
from tests.chaos.dags import AGENTS, Dag, Fails
from tests.chaos.joins import Moment, kill_at_joins
from tests.chaos.plans import PlanStage, plan_stage
from tests.chaos.random_plans import disturbed, some_dags, timed
from tests.processes import wait_for

SEED, DAGS, AT_ONCE, KILLS = 1, 25, 5, 2
JOINS = 10


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PlanStage]:
    """An API, and two workers with more slots than any plan has steps."""
    with plan_stage(tmp_path_factory.mktemp("plans"), Shape(workers=2, concurrency=300, apis=1, beats=0)) as stage:
        yield stage


def test_undisturbed_plans_take_as_long_as_their_longest_way(stage: PlanStage) -> None:
    found, times = timed(stage, some_dags(SEED, DAGS, faulty=False), AT_ONCE)
    assert found.faults == []
    assert len(times) == DAGS
    late = [one.dag for one in times if one.over_s > 0]
    assert len(late) <= DAGS // 5
    _, alone = timed(stage, late, 1)  # what was late beside others for want of processors is not, alone
    assert [one for one in alone if one.over_s > 0] == []


def test_a_fan_out_is_as_quick_as_its_slowest_step(stage: PlanStage) -> None:
    sent = stage.send(fan(20, 1.0))
    stage.ended([sent])
    record = stage.record(sent.workflow_id)
    assert record.status == "SUCCEEDED"
    assert ((record.finished_ms or 0) - record.created_ms) / 1000 <= sent.dag.critical_s + 1.5


def test_disturbed_plans_do_all_they_should_and_no_more(stage: PlanStage) -> None:
    dags = some_dags(SEED, DAGS, faulty=True)
    assert {dag.fate for dag in dags} >= {"SUCCEEDED", "FAILED", "DEGRADED"}
    assert disturbed(stage, dags, KILLS, random.Random(SEED)).faults == []


def test_a_join_whose_worker_is_killed_runs_exactly_once(tmp_path_factory: pytest.TempPathFactory) -> None:
    shape = Shape(workers=1, concurrency=50, apis=0, beats=0, proxied=True)
    with plan_stage(tmp_path_factory.mktemp("joins"), shape) as stage:
        faults, moments = kill_at_joins(stage, JOINS)
    assert faults == []
    assert moments == {str(moment): JOINS // len(Moment) for moment in Moment}


def step(name: str, *after: str, delay_s: float = 0.0, **more: Any) -> AskedStep:
    told = {"delay_s": delay_s, "fails": more.pop("fails", Fails.NEVER)}
    return AskedStep(name=name, agent=AGENTS[0], after=list(after), input=told, **more)


def fan(width: int, delay_s: float) -> Dag:
    names = [f"s{number}" for number in range(width)]
    return Dag((step("root"), *(step(name, "root", delay_s=delay_s) for name in names), step("join", *names)))


def fork(right_s: float = 0.3) -> tuple[AskedStep, ...]:
    """Two ways to a join, of which the right one takes so long, and one aside."""
    right = step("right", "root", delay_s=right_s)
    return step("root"), step("left", "root"), right, step("join", "left", "right"), step("aside", "root")


TIME_TO_HOLD_S = 3.0  # the plan's id, which holding needs, comes with its first answer


class Asked:
    """A plan asked for over HTTP."""

    def __init__(self, stage: PlanStage, *asked: AskedStep, **more: Any) -> None:
        self.stage = stage
        body = {"query": "a plan", "steps": [one.model_dump() for one in asked or fork()], **more}
        reply = requests.post(f"{stage.arena.api_urls[0]}/api/workflow", json=body, timeout=10)
        assert reply.status_code == 202, reply.text
        self.workflow_id = reply.json()["workflow_id"]

    def hold(self) -> "Asked":
        """Hold `right` back at the agent; returns when all but it, and what waits for it, is done."""
        self.stage.arena.told(self.workflow_id, "right", "hold")
        alone = {"root": "SUCCEEDED", "left": "SUCCEEDED", "right": "RUNNING", "join": "WAITING", "aside": "SUCCEEDED"}
        wait_for(lambda: self.statuses() == alone, "the right step alone to run", 20)
        return self

    def go_on(self) -> None:
        self.stage.arena.told(self.workflow_id, "right", None)

    def post(self, verb: str, **body: Any) -> None:
        url = f"{self.stage.arena.api_urls[0]}/api/workflow/{self.workflow_id}/{verb}"
        reply = requests.post(url, json=body or None, timeout=10)
        assert reply.ok, reply.text

    def record(self) -> WorkflowRecord:
        return self.stage.record(self.workflow_id)

    def statuses(self) -> dict[str, str]:
        return {name: str(one.status) for name, one in self.record().steps.items()}

    def ends(self, status: str) -> None:
        wait_for(lambda: self.record().status == status, f"the plan to end {status}", 20)

    def calls(self) -> list[str]:
        return sorted(call["x-step"] for call in self.stage.calls()[self.workflow_id])


def test_cancel_ends_every_branch(stage: PlanStage) -> None:
    plan = Asked(stage, *fork(TIME_TO_HOLD_S)).hold()
    plan.post("cancel")
    assert plan.statuses() == {"root": "SUCCEEDED", "left": "SUCCEEDED", "right": "CANCELLED", "join": "CANCELLED",
                               "aside": "SUCCEEDED"}
    plan.go_on()
    plan.post("retry")
    plan.ends("SUCCEEDED")
    assert plan.calls() == ["aside", "join", "left", "right", "right", "root"]


def test_a_pause_holds_the_join_back_and_resume_releases_it(stage: PlanStage) -> None:
    plan = Asked(stage, *fork(TIME_TO_HOLD_S)).hold()
    plan.post("pause")
    plan.go_on()
    wait_for(lambda: plan.record().steps["right"].status is StepStatus.SUCCEEDED, "the running step to end", 20)
    assert (plan.record().status, plan.statuses()["join"]) == ("PAUSED", "WAITING")
    plan.post("resume")
    plan.ends("SUCCEEDED")
    assert plan.calls() == ["aside", "join", "left", "right", "root"]


def test_from_a_failed_step_only_what_depends_on_it_runs_again(stage: PlanStage) -> None:
    fails = step("right", "root", delay_s=0.3, fails=Fails.ALWAYS)
    plan = Asked(stage, *(fails if one.name == "right" else one for one in fork()))
    plan.ends("FAILED")
    assert plan.statuses() == {"root": "SUCCEEDED", "left": "SUCCEEDED", "right": "FAILED", "join": "SKIPPED",
                               "aside": "SUCCEEDED"}
    plan.post("retry")
    wait_for(lambda: plan.record().steps["right"].round == 1 and plan.record().status.final, "the second round", 20)
    plan.post("retry", step="left")
    wait_for(lambda: plan.record().steps["left"].round == 2 and plan.record().status.final, "the third round", 20)
    assert plan.calls() == ["aside", "left", "left", "right", "right", "right", "root"]
    assert "join" not in plan.calls()


def test_the_deadline_ends_every_branch(stage: PlanStage) -> None:
    slow = [step(f"s{number}", "root", delay_s=30.0) for number in range(3)]
    plan = Asked(stage, step("root"), *slow, step("join", "s0", "s1", "s2"), deadline_s=4.0)
    plan.ends("FAILED")
    assert plan.statuses() == {"root": "SUCCEEDED", "s0": "FAILED", "s1": "FAILED", "s2": "FAILED", "join": "SKIPPED"}
    assert [event.step for event in stage.arena.events(plan.workflow_id) if event.kind is EventKind.SKIPPED] == ["join"]


def test_the_plan_is_drawn_as_it_went(stage: PlanStage) -> None:
    plan = Asked(stage)
    plan.ends("SUCCEEDED")
    reply = requests.get(f"{stage.arena.api_urls[0]}/api/workflow/{plan.workflow_id}/plan.svg", timeout=10)
    assert reply.headers["content-type"] == "image/svg+xml"
    assert "Plan of 5 steps: 5 done" in reply.text
