"""Chaos in full: 1,000 workflows, 36 kills, on gevent (short way on and off) and prefork."""

from functools import partial

from prove.proof import Figure, Part, Result, Run
from tests.chaos.arena import Shape
from tests.chaos.killer import ROWS, VALKEY_AT_LEAST
from tests.chaos.run import Outcome, Size, run_chaos

WORKFLOWS, KILLS, EVERY_S = 1_000, 36, 4.0


def chaos(run: Run, *, pool: str, handoff: bool) -> Result:
    """One run."""
    size = Size(run.sized(WORKFLOWS, 50), run.sized(KILLS, len(ROWS) + VALKEY_AT_LEAST - 1), EVERY_S, settle_s=300)
    shape = Shape(pool=pool, concurrency=40 if pool == "gevent" else 8, beats=2, longest_s=0.6, fault_share=0.05,
                  seed=run.seed, handoff=handoff)
    outcome = run_chaos(run.folder, size, shape, run.note)
    faults = {kind: len(found) for kind, found in outcome.verdict.faults.items()}
    for found in outcome.verdict.faults.values():
        run.note("; ".join(found[:5]))
    in_final = sum(outcome.verdict.statuses.values())
    return Result([
        Figure("accepted workflows in one final status", 100 * in_final / outcome.verdict.accepted, "%", 100, "higher"),
        Figure("workflows accepted", outcome.verdict.accepted, "", size.workflows, "higher"),
        Figure("faults (lost, illegal, out of time, due, leased, called twice)", sum(faults.values()), "", 0),
        Figure("processes that ended without being killed", len(outcome.ended), "", 0),
        Figure("kills landed", len(outcome.landed), "", size.kills, "higher"),
        Figure("kills of the process killed least", min(outcome.kills[row] for row in ROWS), "", 1, "higher"),
        Figure("kills of Valkey", outcome.kills["valkey"], "", VALKEY_AT_LEAST, "higher"),
    ], details(outcome))


def details(outcome: Outcome) -> dict[str, object]:
    """What is worth quoting: kills by row and boundary, statuses, events, calls per step."""
    verdict = outcome.verdict
    return {
        "kills": dict(outcome.kills), "kills_while_a_step_was": outcome.boundaries,
        "statuses": {str(status): count for status, count in verdict.statuses.items()},
        "events": dict(verdict.events), "steps_by_agent_calls": {str(n): c for n, c in sorted(verdict.calls.items())},
        "answers_of_the_door": {str(status): count for status, count in outcome.answers.items()},
        "seconds": round(outcome.seconds),
    }


PARTS = [
    Part("chaos", "gevent", 900, partial(chaos, pool="gevent", handoff=True)),
    Part("chaos", "gevent-through-the-broker", 900, partial(chaos, pool="gevent", handoff=False)),
    Part("chaos", "prefork", 900, partial(chaos, pool="prefork", handoff=False)),
]
