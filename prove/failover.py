"""Sentinel in full: the primary is killed -9 under load, on two pools."""

from functools import partial

from prove.proof import Figure, Kind, Part, Result, Run
from tests.chaos.failover import fail_over

BEFORE, AFTER = 300, 300


def failover(run: Run, *, pool: str) -> Result:
    """One failover."""
    outcome = fail_over(run.folder, pool, run.sized(BEFORE, 30), run.sized(AFTER, 30))
    kept = outcome.accepted - outcome.lost
    return Result([
        Figure("accepted workflows that ended well, of those not lost", 100 * outcome.statuses["SUCCEEDED"] / kept, "%",
               100, "higher"),
        Figure("workflows lost that were accepted more than 1 s before the kill", len(outcome.lost_early), "", 0),
        Figure("workflows lost", outcome.lost, "", 0, kind=Kind.TARGET),
        Figure("due entries left, and processes that ended", outcome.left_due + len(outcome.ended), "", 0),
        Figure("from the kill to the next accepted question", round(outcome.away_s, 1), "s", 10),
    ], {"accepted": outcome.accepted, "down_after_s": 1})


PARTS = [
    Part("failover", "gevent", 300, partial(failover, pool="gevent")),
    Part("failover", "prefork", 300, partial(failover, pool="prefork")),
]
