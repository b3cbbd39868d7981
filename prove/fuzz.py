"""Fuzzing at length: malformed requests by the thousand, and schemathesis with all its checks."""

from prove.proof import Figure, Part, Result, Run
from tests.chaos.arena import Arena, Shape
from tests.fuzz.conformance import conform
from tests.fuzz.front import refuse_all

MALFORMED, EXAMPLES = 10_000, 100


def malformed(run: Run) -> Result:
    """Every answer a problem document, nothing recorded."""
    count = run.sized(MALFORMED, 500)
    with Arena(run.folder, Shape(workers=0, apis=1, beats=0)) as arena:
        arena.ready()
        found = refuse_all(arena.api_urls[0], arena.valkey.url, count, run.seed)
    for fault in found.faults[:10]:
        run.note(fault)
    return Result([
        Figure("answers that were no refusal by a problem document", len(found.faults), "", 0),
        Figure("records, queues and breakers that they left", found.recorded, "", 0),
        Figure("malformed requests", found.kinds.total(), "", count, "higher"),
    ], {"kinds": dict(sorted(found.kinds.items())), "statuses": {str(n): c for n, c in sorted(found.statuses.items())}})


def conformance(run: Run) -> Result:
    """The running system against its OpenAPI document: good data and bad, all checks."""
    examples = run.sized(EXAMPLES, 5)
    with Arena(run.folder, Shape(workers=1, apis=1, beats=0, seed=run.seed)) as arena:
        arena.ready()
        held = conform(arena.api_urls[0], run.folder, examples, run.seed)
    if not held.passed:
        run.note(held.said)
    return Result([
        Figure("failures found by schemathesis", held.failures + (not held.passed and not held.failures), "", 0),
        Figure("requests tried", held.cases, "", examples * 10, "higher"),
    ], {"examples": examples})


PARTS = [Part("fuzz", "malformed", 300, malformed), Part("fuzz", "openapi", 1_200, conformance)]
