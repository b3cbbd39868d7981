"""Valkey is killed and stays away for 10 s and 60 s while workers are busy: all finishes, no healthy step is taken."""

import time
from functools import partial

from prove.proof import Figure, Part, Result, Run
from state.events import EventKind
from tests.chaos.arena import Arena, Shape
from tests.chaos.boundary import Boundary, standing
from tests.chaos.load import Load
from tests.chaos.verdict import judge, settle
from tests.processes import wait_for

WORKFLOWS, PER_S = 60, 30.0
BUSY_STEPS = 8


def away(run: Run, *, pool: str, away_s: float) -> Result:
    """One outage."""
    count, lasts_s = run.sized(WORKFLOWS, 20), max(1.0, away_s * run.scale)
    shape = Shape(pool=pool, workers=2, concurrency=8, apis=2, beats=2, shortest_s=0.5, longest_s=3.0, seed=run.seed)
    with Arena(run.folder, shape) as arena:
        arena.ready()
        load = Load(arena.api_urls, count, PER_S, run.seed, run.folder / "promises.jsonl")
        load.start()
        wait_for(lambda: standing(arena.client)[Boundary.CALL] >= BUSY_STEPS, "work", 30)
        stood = {str(where): steps for where, steps in standing(arena.client).items()}
        run.note(f"Valkey goes away for {lasts_s:.0f} s while steps stand {stood}")
        arena.valkey.kill()
        time.sleep(lasts_s)
        arena.valkey.start()
        arena.valkey.ready()
        back = time.monotonic()
        wait_for(lambda: load.done, "the client's questions to be accepted", 120)
        load.stop()
        settle(arena, 200)
        verdict = judge(arena, load.accepted)
        dead = [process.name for process in arena.all() if process.status != "running"]
        return Result([
            Figure("workflows that succeeded", verdict.statuses["SUCCEEDED"], "", verdict.accepted, "higher"),
            Figure("takeovers of steps that were healthy throughout", verdict.events[EventKind.TAKEN_OVER], "", 0),
            Figure("processes that ended", len(dead), "", 0),
            Figure("faults", sum(map(len, verdict.faults.values())), "", 0),
        ], {"away_s": lasts_s, "all_done_after_s": round(time.monotonic() - back, 1), "events": dict(verdict.events),
            "steps_when_it_left": stood, "ended": dead, "faults": {k: v[:5] for k, v in verdict.faults.items()},
            "answers_of_the_door": {str(status): answers for status, answers in load.answers.items()}})


PARTS = [Part("away", f"{seconds}-s-{pool}", 420, partial(away, pool=pool, away_s=seconds))
         for seconds in (10, 60) for pool in ("gevent", "prefork", "threads")]
