"""Recovery: how soon the steps of a killed worker run again, and that nothing healthy is taken over or sent again."""

import time
from dataclasses import replace
from functools import partial
from pathlib import Path

from pipeline.question import Question, plan_workflow
from prove.proof import Figure, Kind, Part, Result, Run
from state.events import EventKind
from tests.chaos.arena import Arena, Shape
from tests.chaos.recovery import Recovery, kill_a_busy_worker
from tests.chaos.verdict import Verdict, judge, settle

WITHIN_S, STEPS = 8.0, 100
HEALTHY_S, BACKLOG_S = 60.0, 600.0
CALL_S, CALLS_PER_WORKFLOW = 1.0, 3
DEADLINE_S = 3_600.0  # nobody runs out of time in the queue


def kill(run: Run, *, pool: str, concurrency: int) -> Result:
    """Kill workers, one a round, until at least `STEPS` steps had to run again."""
    wanted, rounds = run.sized(STEPS, 10), list[Recovery]()
    shape = Shape(pool=pool, concurrency=concurrency, beats=0, shortest_s=0.3, longest_s=0.7, seed=run.seed)
    while (done := sum(len(one.waits_s) for one in rounds)) < wanted:
        run.note(f"{done} of {wanted} steps")
        rounds.append(kill_a_busy_worker(Path(run.folder) / str(len(rounds)), shape, concurrency, run.note))
    waits = Recovery([wait for one in rounds for wait in one.waits_s], [], {}, rounds[0].verdict)
    return Result([
        Figure("from kill -9 to running again, p99", waits.percentile(0.99), "s", WITHIN_S),
        Figure("from kill -9 to running again, the slowest", max(waits.waits_s), "s", WITHIN_S, kind=Kind.TARGET),
        Figure("steps that ran again", len(waits.waits_s), "", wanted, "higher"),
        Figure("faults", sum(len(one.verdict.faults) for one in rounds), "", 0),
    ], {"p50_s": waits.percentile(0.5), "rounds": len(rounds), "stood": [one.stood for one in rounds]})


def healthy(run: Run) -> Result:
    """A step of 60 s in a healthy worker, beside ordinary ones."""
    lasts_s = HEALTHY_S * run.scale
    with Arena(run.folder, Shape(apis=0, beats=0, seed=run.seed)) as arena:
        arena.ready()
        slow = plan_workflow(Question("slow"))
        arena.told(slow.workflow_id, "data", "hold")
        arena.send(slow)
        began, beside = time.monotonic(), 0
        while time.monotonic() - began < lasts_s:
            arena.send(plan_workflow(Question("beside")))
            beside += 1
            time.sleep(0.2)
        arena.told(slow.workflow_id, "data", None)
        settle(arena, 60)
        record, verdict = arena.record(slow), judge(arena, [slow.workflow_id])
        step = record.steps["data"]
        return Result([
            Figure("takeovers of a healthy long step", step.takeovers, "", 0),
            Figure("calls of the agent for it", arena.calls_per_step()[f"{slow.workflow_id}:data:0"], "", 1),
            Figure("it ran", ((step.finished_ms or 0) - (step.started_ms or 0)) / 1000, "s", lasts_s * 0.95, "higher"),
            Figure("faults", sum(map(len, verdict.faults.values())), "", 0),
        ], {"workflows_beside": beside, "status": str(record.status)})


def backlog(run: Run, *, pool: str) -> Result:
    """More at once than one slot can do in ten minutes: who waits long is not lost."""
    count = run.sized(int(BACKLOG_S / (CALL_S * CALLS_PER_WORKFLOW)), 5)
    shape = Shape(pool=pool, workers=1, concurrency=1, apis=0, beats=0, shortest_s=CALL_S, longest_s=CALL_S,
                  handoff=False, seed=run.seed)
    with Arena(run.folder, shape) as arena:
        arena.ready()
        workflows = [replace(plan_workflow(Question(f"{number}")), deadline_s=DEADLINE_S) for number in range(count)]
        for workflow in workflows:
            arena.send(workflow)
        began = time.monotonic()
        settle(arena, 3 * BACKLOG_S)
        lasted_s = time.monotonic() - began
        verdict = judge(arena, [workflow.workflow_id for workflow in workflows])
    return Result([*figures_of_calm(verdict, count),
                   Figure("the backlog lasted", lasted_s, "s", BACKLOG_S * run.scale * 0.95, "higher")],
                  {"workflows": count, "events": dict(verdict.events)})


def figures_of_calm(verdict: Verdict, workflows: int) -> list[Figure]:
    """Nothing was lost, so nothing is sent again or taken over."""
    sends = workflows * CALLS_PER_WORKFLOW
    return [
        Figure("resends", 100 * verdict.events[EventKind.RESENT] / sends, "% of sends", 1.0),
        Figure("takeovers", verdict.events[EventKind.TAKEN_OVER], "", 0),
        Figure("faults", sum(map(len, verdict.faults.values())), "", 0),
        Figure("workflows that succeeded", verdict.statuses["SUCCEEDED"], "", workflows, "higher"),
    ]


PARTS = [
    Part("recovery", "kill-gevent", 900, partial(kill, pool="gevent", concurrency=20)),
    Part("recovery", "kill-prefork", 900, partial(kill, pool="prefork", concurrency=8)),
    Part("recovery", "kill-threads", 900, partial(kill, pool="threads", concurrency=30)),
    Part("recovery", "healthy-60-s", 240, healthy),
    Part("recovery", "backlog-10-min", 1_900, partial(backlog, pool="prefork")),
]
