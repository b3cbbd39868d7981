"""The rollout: false rollbacks in simulated years of quiet traffic, and how soon a regression is rolled back.

The simulations (`prove.quiet_rollout`, `prove.rollout_world`) call the real decision with the real policy. In all of
them Celery is 10 % slower than the direct path, as slow as it may be.
"""

import math
from functools import partial

from pipeline.rollout.policy import Policy
from prove.proof import Figure, Kind, Part, Result, Run
from prove.quiet_rollout import Quiet, judge
from prove.rollout_live import FAULTS, live
from prove.rollout_world import Regression, Traffic, detection_s

DAYS = 365
QUIET = {
    "20/s, share 25 %": Quiet(Traffic(), 25),
    "1/s, share 25 %": Quiet(Traffic(per_s=1), 25),
    "2/s at night to 20/s by day, share 50 %, 6 outages of the agents a day": Quiet(
        Traffic(), 50, night=0.1, outages=6),
    "20/s, share 25 %, twos of a session alike": Quiet(Traffic(), 25, sessions=2),
    "20/s, share 100 %, a comparison every ten minutes": Quiet(Traffic(), 50, comparing=True),
}
GATE_S, WITHIN, AT_MOST_S = 60.0, 0.95, 1_800.0
TRIALS = 200
REGRESSIONS = {"+10 % failures": Regression(failing=0.10), "+100 % latency": Regression(slower=2.0)}
SHARES = {1: 0.1, 5: 0.25, 25: 1.0, 50: 1.0, 100: 0.5}  # and the share of the trials: small ones take long
GATED = (25, 50, 100)


def false_alarms(run: Run, *, name: str) -> Result:
    """A year of quiet traffic, each look judged; of comparisons, as many as may be in one."""
    quiet, policy = QUIET[name], Policy()
    days_a_year = round(DAYS * policy.compare_s / policy.compare_again_s) if quiet.comparing else DAYS
    days = run.sized(days_a_year, 2)
    judged = judge(quiet, days, run.seed, policy)
    return Result([Figure(f"false rollbacks a year, {name}", judged.rollbacks * days_a_year / days, "", 0.999)], {
        "days": days, "looks": judged.looks, "looked_into": judged.looked_into,
        "least_chance_seen": float(f"{judged.least_chance:.2g}"), "rollbacks": judged.rollbacks,
        "reasons": judged.reasons[:5]})


def detection(run: Run) -> Result:
    """Regressions that begin at any moment after ten quiet minutes at 20 questions a second."""
    trials = run.sized(TRIALS, 20)
    figures, details = list[Figure](), dict[str, object]()
    for share, of_trials in SHARES.items():
        for name, regression in REGRESSIONS.items():
            count = max(20, round(trials * of_trials))
            took = sorted(detection_s(Traffic(), share, regression, [run.seed, share, i], AT_MOST_S)
                          for i in range(count))
            within = sum(one <= GATE_S for one in took) / count
            p95 = _told(took[math.ceil(WITHIN * count) - 1])
            details[f"{name}, share {share} %"] = {
                "trials": count, "half_within_s": _told(took[math.ceil(count / 2) - 1]), "95_%_within_s": p95,
                "worst_s": _told(took[-1]), "within_60_s": round(within, 3)}
            run.note(f"{name}, share {share} %: 95 % within {p95} s")
            kind = Kind.GATE if share in GATED else Kind.TARGET
            figures.append(Figure(f"rolled back, 95 % within, {name}, share {share} %", p95, "s", GATE_S, kind=kind))
    return Result(figures, details)


def _told(seconds: float) -> float:
    """A number JSON can hold; what was not seen is told as twice the time it had."""
    return round(seconds, 1) if math.isfinite(seconds) else 2 * AT_MOST_S


PARTS = [
    *(Part("rollout", f"quiet-{number}", 1_200, partial(false_alarms, name=name))
      for number, name in enumerate(QUIET, start=1)),
    Part("rollout", "detection", 900, detection),
    *(Part("rollout", f"live-{slug}", 480, partial(live, name=name))
      for slug, name in zip(("failures", "latency"), FAULTS, strict=True)),
]
