"""Upgrades in full: the previous release and this one side by side, there and back three times, on two pools."""

from functools import partial

from prove.proof import Figure, Part, Result, Run
from tests.chaos.arena import Shape
from tests.chaos.upgrade import NEW, OLD, WORDS, run_upgrade

WORKFLOWS, TIMES = 1_000, 3


def upgrade(run: Run, *, pool: str) -> Result:
    """One run."""
    shape = Shape(pool=pool, concurrency=40 if pool == "gevent" else 8, beats=1, shortest_s=0.05, longest_s=0.4,
                  fault_share=0.05, seed=run.seed)
    outcome = run_upgrade(run.folder, run.sized(WORKFLOWS, 100), run.sized(TIMES), shape, run.note)
    verdict = outcome.verdict
    for found in verdict.faults.values():
        run.note("; ".join(found[:5]))
    heard = [sum(outcome.answers[word][status] for status in (200, 202)) for word in WORDS]
    return Result([
        Figure("accepted workflows in one final status", 100 * sum(verdict.statuses.values()) / verdict.accepted, "%",
               100, "higher"),
        Figure("faults (lost, illegal, out of time, due, leased, called twice)",
               sum(map(len, verdict.faults.values())), "", 0),
        Figure("workflows that failed", verdict.statuses["FAILED"], "", 0),
        Figure("workflows accepted", verdict.accepted, "", run.sized(WORKFLOWS, 100), "higher"),
        Figure("workflows begun by both releases", outcome.shared, "", 1, "higher"),
        Figure("complex workflows", outcome.complex_ones, "", 10, "higher"),
        Figure("wishes of the rarest kind carried out", min(heard), "", 1, "higher"),
    ], {
        "statuses": {str(status): count for status, count in verdict.statuses.items()},
        "workflows_begun_by": {OLD: outcome.begun_by[OLD], NEW: outcome.begun_by[NEW]},
        "events": dict(verdict.events),
        "answers_to_wishes": {word: {str(status): count for status, count in of.items()}
                              for word, of in outcome.answers.items()},
    })


PARTS = [
    Part("upgrade", "gevent", 600, partial(upgrade, pool="gevent")),
    Part("upgrade", "prefork", 600, partial(upgrade, pool="prefork")),
]
