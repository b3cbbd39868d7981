"""Joins whose worker is killed -9 at their very moment, many in one worker at each kill."""

import time
from collections import Counter
from collections.abc import Callable
from enum import StrEnum

from pipeline.asked.step import AskedStep
from state.events import EventKind
from state.model import StepStatus
from tests.chaos.dags import AGENTS, Dag, Fails
from tests.chaos.plans import PlanStage, Sent, faults_of
from tests.chaos.proxy import Act, Trap, begin_of, script
from tests.processes import wait_for

REACH_S = 20.0
RIGHT_S = 0.2  # the right branch is the later one


class Moment(StrEnum):
    """Where the join is when its worker dies."""

    BEFORE = "both branches are about to finish"
    RECORDING = "the finish that releases it is on its way"
    RECORDED = "the finish that releases it is recorded, and nobody has heard"
    RELEASED = "it is released, and not begun"
    BEGUN = "it has begun"


def join_plan() -> Dag:
    """`root`, two branches after it, and `join` after both."""
    def step(name: str, agent: str, *after: str, delay_s: float = 0.0) -> AskedStep:
        return AskedStep(name=name, agent=agent, after=list(after), input={"delay_s": delay_s, "fails": Fails.NEVER})

    return Dag((step("root", AGENTS[0]), step("left", AGENTS[1], "root"),
                step("right", AGENTS[2], "root", delay_s=RIGHT_S), step("join", AGENTS[0], "left", "right")))


def kill_at_joins(stage: PlanStage, count: int, note: Callable[[str], None] = print) -> tuple[list[str], Counter[str]]:
    """Bring `count` joins to their moments, in one worker, and kill it; faults, and how many joins were where."""
    (victim,) = stage.arena.processes["worker"]
    victim.ready()
    moments = [list(Moment)[number % len(Moment)] for number in range(count)]
    traps: list[Trap] = []
    sent = [_at(stage, moment, traps) for moment in moments]
    for one, moment in zip(sent, moments, strict=True):
        wait_for(lambda one=one, moment=moment: _reached(stage, one, moment),  # type: ignore[misc]
                 f"a join where {moment}", REACH_S)
    for trap in traps:
        assert trap.sprung.wait(REACH_S), "nobody came into a trap"
    began = time.monotonic()
    victim.kill()
    for one in sent:
        for step in ("left", "right", "join"):
            stage.arena.told(one.workflow_id, step, None)
    for trap in traps:
        trap.released.set()  # its caller is dead: what it held is never sent
    victim.start()
    stage.ended(sent)
    note(f"{count} joins ended {time.monotonic() - began:.1f} s after the kill")
    return [fault for one in sent for fault in _faults(stage, one)], Counter(str(moment) for moment in moments)


def _at(stage: PlanStage, moment: Moment, traps: list[Trap]) -> Sent:
    """Send a plan that will stand still at `moment`."""
    sent = Sent(join_plan(), stage.workflow(join_plan().asked))
    held = {Moment.BEFORE: ("left", "right"), Moment.BEGUN: ("join",)}.get(moment, ())
    for step in held:
        stage.arena.told(sent.workflow_id, step, "hold")
    finish, begin = script("finish", sent.workflow_id, "\r\nright\r\n"), begin_of(sent.workflow_id, "join")
    acts = {
        Moment.RECORDING: [(Act.HOLD, finish)],
        Moment.RECORDED: [(Act.LOSE_REPLY, finish), (Act.HOLD, finish)],  # it asks again, and is not answered
        Moment.RELEASED: [(Act.HOLD, begin)],
    }
    assert stage.arena.proxy
    traps += [stage.arena.proxy.trap(act, marks) for act, marks in acts.get(moment, [])]
    stage.arena.send(sent.workflow)
    return sent


def _reached(stage: PlanStage, sent: Sent, moment: Moment) -> bool:
    steps = stage.record(sent.workflow_id).steps
    if moment is Moment.BEFORE:
        return steps["left"].status is steps["right"].status is StepStatus.RUNNING
    if moment is Moment.BEGUN:
        return steps["join"].status is StepStatus.RUNNING
    return steps["left"].status is StepStatus.SUCCEEDED


def _faults(stage: PlanStage, sent: Sent) -> list[str]:
    events, calls = stage.arena.events(sent.workflow_id), stage.calls().get(sent.workflow_id, [])
    found = faults_of(sent, stage.record(sent.workflow_id), events, calls)
    recorded = sum(event.kind is EventKind.SUCCEEDED and event.step == "join" for event in events)
    return [*found, *([] if recorded == 1 else [f"{sent.workflow_id}: the join was recorded {recorded} times"])]
