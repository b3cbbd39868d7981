"""Plans: random ones beside an oracle and a clock, wide and long ones, and joins whose worker is killed."""

import random
from collections import Counter

from prove.proof import Figure, Kind, Part, Result, Run
from tests.chaos.arena import Shape
from tests.chaos.joins import kill_at_joins
from tests.chaos.large_plans import chain, costs, fan, woven
from tests.chaos.plans import plan_stage
from tests.chaos.random_plans import disturbed, some_dags, timed

DAGS, AT_ONCE, PER_KILL = 500, 5, 12
JOINS, JOINS_AT_ONCE = 200, 20
STEPS, AS_MUCH = 1_000, 0.20
# What a plan runs like that is large: step after step, or as much at once as there is room for.
BESIDE = {"chain": "3, one by one", "fan": "3, at once", "woven": "3, at once"}
FAN, FAN_S, FAN_OVER_S = 20, 1.0, 1.5
ROOM = Shape(workers=2, concurrency=300, apis=0, beats=0)


def undisturbed(run: Run) -> Result:
    """Half of the random plans, a few at a time, with more workers than they need."""
    count = run.sized(DAGS // 2, 10)
    with plan_stage(run.folder, ROOM) as stage:
        found, times = timed(stage, some_dags(run.seed, count, faulty=False), AT_ONCE)
        late = [one for one in times if one.over_s > 0]
        _, alone = timed(stage, [one.dag for one in late], 1)
    return Result([
        Figure("faults", len(found.faults), "", 0),
        Figure("plans later than their longest way + 10 % + 50 ms", len(late), "", 0, kind=Kind.TARGET),
        Figure("of these, late again when run alone", sum(one.over_s > 0 for one in alone), "", 0),
        Figure("plans", len(times), "", count, "higher"),
    ], {"steps": found.steps, "worst_ms_over": round(1000 * max(one.over_s for one in times)),
        "faults": found.faults[:10]})


def under_kills(run: Run) -> Result:
    """The other half: failures, optional steps, doubled messages, and a killed worker for every dozen plans."""
    count, faults, steps, fates = run.sized(DAGS // 2, 10), list[str](), 0, Counter[str]()
    dags, chance = some_dags(run.seed, count, faulty=True), random.Random(run.seed)  # noqa: S311
    with plan_stage(run.folder, ROOM) as stage:
        for at in range(0, count, 4 * PER_KILL):
            some = dags[at:at + 4 * PER_KILL]
            found = disturbed(stage, some, max(1, len(some) // PER_KILL), chance, run.note)
            faults, steps = faults + found.faults, steps + found.steps
            fates.update(str(dag.fate) for dag in some)
    return Result([
        Figure("faults", len(faults), "", 0),
        Figure("plans", fates.total(), "", count, "higher"),
    ], {"steps": steps, "ended": dict(fates), "faults": faults[:10]})


def joins(run: Run) -> Result:
    """Joins at each moment there is, many of them in the worker that is killed."""
    wanted, faults, moments = run.sized(JOINS, 10), list[str](), Counter[str]()
    with plan_stage(run.folder, Shape(workers=1, concurrency=100, apis=0, beats=0, proxied=True)) as stage:
        while moments.total() < wanted:
            found, some = kill_at_joins(stage, min(JOINS_AT_ONCE, wanted - moments.total()), run.note)
            faults, moments = faults + found, moments + some
    return Result([
        Figure("joins that were not recorded exactly once, or other faults", len(faults), "", 0),
        Figure("joins whose worker was killed at their moment", moments.total(), "", wanted, "higher"),
    ], {"moments": dict(moments), "faults": faults[:10]})


def wide(run: Run) -> Result:
    """Twenty steps of a second at once, on one gevent worker."""
    with plan_stage(run.folder, Shape(workers=1, concurrency=200, apis=0, beats=0)) as stage:
        over_s = [one.took_s - one.dag.critical_s for one in timed(stage, [fan(FAN + 2, FAN_S)] * 5, 1)[1]]
    return Result([Figure(f"{FAN} at once end after the slowest way, the worst of 5", max(over_s), "s", FAN_OVER_S)])


def large(run: Run) -> Result:
    """A thousand steps in one plan beside as many in plans of three; every step through the broker, and not."""
    steps = run.sized(STEPS, 100)
    of_3 = [chain(3)] * (steps // 3)
    plans = {"3, one by one": (of_3, 1), "chain": ([chain(steps)], 1),
             "3, at once": (of_3, len(of_3)), "fan": ([fan(steps)], 1), "woven": ([woven(steps, run.seed)], 1)}
    sent = costs(run.folder / "sent", plans, handoff=False)
    handed = costs(run.folder / "handed", plans, handoff=True)
    figures = [Figure(f"processor time of a step of a {name} of {steps} beside one of plans of {beside}",
                      sent[name].cpu_ms / sent[beside].cpu_ms, "x", 1 + AS_MUCH) for name, beside in BESIDE.items()]
    figures += [Figure(f"the same with local handoff, {name}", handed[name].cpu_ms / handed[beside].cpu_ms, "x",
                       1 + AS_MUCH, kind=Kind.TARGET) for name, beside in BESIDE.items()]
    good = sum(cost.succeeded for found in (sent, handed) for cost in found.values())
    return Result([*figures, Figure("kinds of plans that succeeded", good, "", 2 * len(plans), "higher")], {
        kind: {name: [round(cost.cpu_ms, 2), round(cost.wall_ms, 2)] for name, cost in found.items()}
        for kind, found in (("sent: cpu_ms, wall_ms", sent), ("handed over", handed))
    })


PARTS = [
    Part("plans", "undisturbed", 900, undisturbed),
    Part("plans", "under-kills", 900, under_kills),
    Part("plans", "joins", 600, joins),
    Part("plans", "wide", 120, wide),
    Part("plans", "large", 300, large),
]
