"""Random plans in numbers: half of them undisturbed and timed, the other half with failures, kills and doubles."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice

from state.transition import Send
from tests.chaos.dags import Dag, random_dag
from tests.chaos.plans import PlanStage, Sent, faults_of

SLACK_SHARE, SLACK_S = 0.10, 0.050
KILL_EVERY_S = 1.0


@dataclass(frozen=True)
class Timed:
    """A plan that ran undisturbed, and what it took."""

    dag: Dag
    took_s: float

    @property
    def over_s(self) -> float:
        """By how much it was later than it may be; negative when it was not."""
        return self.took_s - self.dag.critical_s * (1 + SLACK_SHARE) - SLACK_S


@dataclass(frozen=True)
class Found:
    """What came of some plans."""

    faults: list[str]
    steps: int


def timed(stage: PlanStage, dags: list[Dag], at_once: int) -> tuple[Found, list[Timed]]:
    """Run them `at_once` at a time, with more workers than they need."""
    waiting, done = iter(dags), list[Sent]()
    while some := [stage.send(dag) for dag in islice(waiting, at_once)]:
        stage.ended(some)
        done += some
    return judged(stage, done), [_timed(stage, one) for one in done]


def _timed(stage: PlanStage, sent: Sent) -> Timed:
    record = stage.record(sent.workflow_id)
    return Timed(sent.dag, ((record.finished_ms or 0) - record.created_ms) / 1000)


def disturbed(stage: PlanStage, dags: list[Dag], kills: int, chance: random.Random,
              note: Callable[[str], None] = print) -> Found:
    """Run all at once, while messages are doubled, and workers are killed and started again."""
    sent = [stage.send(dag) for dag in dags]
    for _ in range(kills):
        until = time.monotonic() + KILL_EVERY_S * chance.uniform(0.5, 1.0)
        while time.monotonic() < until:
            _double(stage, chance.choice(sent), chance)
            time.sleep(0.02)
        victim = chance.choice(stage.arena.processes["worker"])
        victim.ready()
        victim.kill()
        victim.start()
        note(f"killed a worker; {sum(stage.record(one.workflow_id).status.final for one in sent)} plans have ended")
    stage.ended(sent)
    return judged(stage, sent)


def _double(stage: PlanStage, sent: Sent, chance: random.Random) -> None:
    """The message of some step, once more, or too early."""
    step = stage.record(sent.workflow_id).steps[chance.choice(sent.dag.asked).name]
    stage.arena.hint(Send(sent.workflow_id, step.name, step.round, max(1, step.send), step.queue))


def judged(stage: PlanStage, sent: list[Sent]) -> Found:
    """The verdict over plans that have ended."""
    calls = stage.calls()
    faults = [fault for one in sent
              for fault in faults_of(one, stage.record(one.workflow_id), stage.arena.events(one.workflow_id),
                                     calls.get(one.workflow_id, []))]
    return Found(faults, sum(len(one.dag.asked) for one in sent))


def some_dags(seed: int, count: int, *, faulty: bool) -> list[Dag]:
    """Random plans of a seed; those to be timed take longer, as agents do."""
    chance = random.Random(f"{seed} {faulty}")
    shortest_s, longest_s = (0.02, 0.2) if faulty else (0.1, 0.4)
    return [random_dag(chance, faulty=faulty, shortest_s=shortest_s, longest_s=longest_s) for _ in range(count)]
