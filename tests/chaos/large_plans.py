"""What a step costs in plans of any size: processor time of the worker, of Valkey and of whoever sends."""

import random
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

from pipeline.asked.step import AskedStep
from state.model import WorkflowStatus
from tests.chaos.arena import Shape
from tests.chaos.dags import AGENTS, Dag, Fails
from tests.chaos.plans import PlanStage, Sent, plan_stage

WINDOW = 50  # a step of the random plan waits for some of so many before it


@dataclass(frozen=True)
class Cost:
    """Of one step on average."""

    cpu_ms: float
    wall_ms: float
    succeeded: bool


def _step(number: int, *after: int, delay_s: float = 0.0) -> AskedStep:
    told = {"delay_s": delay_s, "fails": Fails.NEVER}
    names = [f"s{before}" for before in sorted(set(after))]
    return AskedStep(name=f"s{number}", agent=AGENTS[number % len(AGENTS)], after=names, input=told)


def chain(steps: int) -> Dag:
    """Each after the one before."""
    return Dag(tuple(_step(number, *([number - 1] if number else [])) for number in range(steps)))


def fan(steps: int, delay_s: float = 0.0) -> Dag:
    """One, all others at once, and one after all of them."""
    middle = range(1, steps - 1)
    return Dag((_step(0), *(_step(number, 0, delay_s=delay_s) for number in middle), _step(steps - 1, *middle)))


def woven(steps: int, seed: int) -> Dag:
    """Each after one to three of those shortly before."""
    chance = random.Random(seed)

    def before(at: int) -> list[int]:
        return [chance.randrange(max(0, at - WINDOW), at) for _ in range(chance.randint(1, 3))] if at else []

    return Dag(tuple(_step(number, *before(number)) for number in range(steps)))


def costs(folder: Path, plans: dict[str, tuple[list[Dag], int]], *, handoff: bool) -> dict[str, Cost]:
    """What a step costs in some plans, so many of them at a time; after plans that warm things up."""
    settings = {"LEASE_S": "6", "RENEW_INTERVAL_S": "2"}
    with plan_stage(folder, Shape(workers=1, concurrency=200, apis=0, beats=0, handoff=handoff,
                                  settings=settings)) as stage:
        _cost(stage, [chain(3)] * 60, 20)
        return {name: _cost(stage, dags, at_once) for name, (dags, at_once) in plans.items()}


def _cost(stage: PlanStage, dags: list[Dag], at_once: int) -> Cost:
    cpu_s, began = _cpu_s(stage), time.monotonic()
    sent: list[Sent] = []
    for at in range(0, len(dags), at_once):
        some = [stage.send(dag) for dag in dags[at:at + at_once]]
        stage.ended(some, 120)
        sent += some
    took_s, cpu_s, steps = time.monotonic() - began, _cpu_s(stage) - cpu_s, sum(len(dag.asked) for dag in dags)
    succeeded = all(stage.record(one.workflow_id).status is WorkflowStatus.SUCCEEDED for one in sent)
    return Cost(1000 * cpu_s / steps, 1000 * took_s / steps, succeeded)


def _cpu_s(stage: PlanStage) -> float:
    processes = [*stage.arena.processes["worker"], stage.arena.valkey]
    spent = [time.process_time()]
    for process in processes:
        tree = psutil.Process(process.process.pid)
        spent += [sum(one.cpu_times()[:2]) for one in (tree, *tree.children(recursive=True))]
    return sum(spent)
