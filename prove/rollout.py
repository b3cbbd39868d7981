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
from prove.rollout_world import BEGINS_MS, Regression, Traffic, detection_s
from state.rollout import Rollout

DAYS = 365
QUIET = {
    "20/s, share 25 %": Quiet(Traffic(), 25),
    "1/s, share 25 %": Quiet(Traffic(per_s=1), 25),
    "2/s at night to 20/s by day, share 50 %, 6 outages of the agents a day": Quiet(
        Traffic(), 50, night=0.1, outages=6),
    "20/s, share 25 %, twos of a session alike": Quiet(Traffic(), 25, sessions=2),
    "20/s, share 100 %, a comparison every ten minutes": Quiet(Traffic(), 50, comparing_s=120),
    "one question in 20 s, share 25 %": Quiet(Traffic(per_s=0.05), 25),
    "1/s, share 100 %, comparisons of 20 minutes, 8 minutes apart": Quiet(Traffic(per_s=1), 50, comparing_s=1_200),
}
GATE_S, WITHIN, AT_MOST_S = 60.0, 0.95, 1_800.0
TRIALS = 200
REGRESSIONS = {"+10 % failures": Regression(failing=0.10), "+100 % latency": Regression(slower=2.0)}
SHARES = {1: 0.1, 5: 0.25, 25: 1.0, 50: 1.0, 100: 0.5}  # and the share of the trials: small ones take long
GATED = (25, 50, 100)
SESSIONS, FEW_AT = (20, 50, 200), (25, 50)
BROKEN = {
    "all fail": Regression(failing=1.0),
    "30 % fail": Regression(failing=0.3),
    "three times the latency": Regression(slower=3.0),
}
RARELY = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
LITTLE_AT = (5, 25, 100)
HOUR_S, HOURS = 3_600.0, 20
NEVER = 2 * RARELY[-1]


def false_alarms(run: Run, *, name: str) -> Result:
    """A year of quiet traffic, each look judged; of comparisons, as many as may be in one."""
    quiet, policy = QUIET[name], Policy()
    days_a_year = round(DAYS * _comparing(quiet.comparing_s, policy))
    days = run.sized(days_a_year, 2)
    judged = judge(quiet, days, run.seed, policy)
    return Result([Figure(f"false rollbacks a year, {name}", judged.rollbacks * days_a_year / days, "", 0.999)], {
        "days": days, "looks": judged.looks, "looked_into": judged.looked_into,
        "least_chance_seen": float(f"{judged.least_chance:.2g}"), "rollbacks": judged.rollbacks,
        "reasons": judged.reasons[:5]})


def _comparing(comparing_s: int, policy: Policy) -> float:
    """The largest part of a year that comparisons of this length can take; of all other looks all of it."""
    apart_s = policy.compare_again_s - policy.compare_s
    return comparing_s / (comparing_s + apart_s) if comparing_s else 1.0


def detection(run: Run) -> Result:
    """Regressions that begin at any moment after ten quiet minutes at 20 questions a second."""
    trials = run.sized(TRIALS, 20)
    found = {
        f"{name}, share {share} %": (share in GATED, _detected(
            run, Traffic(), share, regression, max(20, round(trials * of_trials))))
        for share, of_trials in SHARES.items() for name, regression in REGRESSIONS.items()}
    return _result(run, found)


def of_sessions(run: Run) -> Result:
    """The same, asked by few sessions: a quarter or half of them on Celery, as chance has it."""
    found = {
        f"{name}, {sessions} sessions, share {share} %": (share == 50, _detected(
            run, Traffic(sessions=sessions), share, regression, run.sized(TRIALS, 20)))
        for sessions in SESSIONS for share in FEW_AT for name, regression in REGRESSIONS.items()}
    return _result(run, found)


def _detected(run: Run, traffic: Traffic, share: int, regression: Regression, count: int) -> list[float]:
    switch = Rollout(share=share, target=share)
    return sorted(detection_s(traffic, switch, regression, [run.seed, share, i], AT_MOST_S) for i in range(count))


def _result(run: Run, found: dict[str, tuple[bool, list[float]]]) -> Result:
    figures, details = list[Figure](), dict[str, object]()
    for name, (gated, took) in found.items():
        p95 = _told(took[math.ceil(WITHIN * len(took)) - 1])
        details[name] = {
            "trials": len(took), "half_within_s": _told(took[math.ceil(len(took) / 2) - 1]), "95_%_within_s": p95,
            "worst_s": _told(took[-1]), "within_60_s": round(sum(one <= GATE_S for one in took) / len(took), 3)}
        run.note(f"{name}: 95 % within {p95} s")
        kind = Kind.GATE if gated else Kind.TARGET
        figures.append(Figure(f"rolled back, 95 % within, {name}", p95, "s", GATE_S, kind=kind))
    return Result(figures, details)


def little(run: Run) -> Result:
    """The least traffic at which what is broken is rolled back within an hour, in 95 % of the trials."""
    details = {
        f"{name}, share {share} %": next((
            per_s for per_s in RARELY if _within_an_hour(run, Traffic(per_s=per_s), share, regression)), NEVER)
        for name, regression in BROKEN.items() for share in LITTLE_AT}
    figures = [Figure(f"least questions a second, {name}", per_s, "/s", RARELY[-1])
               for name, per_s in details.items()]
    return Result(figures, dict(details))


def _within_an_hour(run: Run, traffic: Traffic, share: int, regression: Regression) -> bool:
    switch, missed = Rollout(share=share, target=share, since_ms=BEGINS_MS), 0
    for i in range(HOURS):
        missed += detection_s(traffic, switch, regression, [run.seed, share, i], HOUR_S) > HOUR_S
        if missed > (1 - WITHIN) * HOURS:
            return False
    return True


def _told(seconds: float) -> float:
    """A number JSON can hold; what was not seen is told as twice the time it had."""
    return round(seconds, 1) if math.isfinite(seconds) else 2 * AT_MOST_S


PARTS = [
    *(Part("rollout", f"quiet-{number}", 1_200, partial(false_alarms, name=name))
      for number, name in enumerate(QUIET, start=1)),
    Part("rollout", "detection", 900, detection),
    Part("rollout", "sessions", 900, of_sessions),
    Part("rollout", "little", 900, little),
    *(Part("rollout", f"live-{slug}", 480, partial(live, name=name))
      for slug, name in zip(("failures", "latency"), FAULTS, strict=True)),
]
