"""Interleavings: operators, crashes, and late and doubled messages in random order, at length."""

from prove.proof import Figure, Kind, Part, Result, Run
from tests.chaos.interleavings import REACHED_IN_TIME, STEPS, interleave

EXAMPLES = 200


def interleavings(run: Run) -> Result:
    """Raises for the first that breaks a rule."""
    examples = run.sized(EXAMPLES, 5)
    outcome = interleave(run.folder, examples, run.seed)
    missing = [name for name in REACHED_IN_TIME if not outcome.reached[name]]
    for name in missing:
        run.note(f"never reached: {name}")
    return Result([
        Figure("faults (lost, illegal, begun in a pause or after a cancel, called unasked or twice, due, leased)",
               sum(map(len, outcome.faults.values())), "", 0),
        Figure("interleavings tried", outcome.reached["examples"], "", examples, "higher"),
        Figure("situations that never came about", len(missing), "", 0),
        Figure("workers killed during a call", outcome.reached["crash during a call"], "", examples / 10, "higher",
               Kind.TARGET),
    ], {"steps_each": STEPS, "reached": dict(sorted(outcome.reached.items()))})


PARTS = [Part("interleavings", "gevent", 2_400, interleavings)]
