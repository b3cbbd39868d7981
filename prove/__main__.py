"""`python -m prove [TOPIC ...]`: run what is not proven yet at this commit, seed and scale; 1 for a missed gate."""

import argparse
import signal
import sys
import tempfile
import time
from pathlib import Path
from types import FrameType

from core.settings import ROOT
from prove import (
    away,
    breakers,
    cancel,
    chaos,
    compose,
    failover,
    false_opens,
    fleet,
    fuzz,
    interleavings,
    outages,
    pages,
    plans,
    recovery,
    response_time,
    rollout,
    soak,
    speed,
    streams,
    upgrade,
)
from prove.proof import PROOFS, Part, Proofs, Result, Run, commit_of_tree

PARTS: list[Part] = [*chaos.PARTS, *recovery.PARTS, *away.PARTS, *breakers.PARTS, *false_opens.PARTS, *fleet.PARTS,
                     *interleavings.PARTS, *fuzz.PARTS, *outages.PARTS, *speed.PARTS, *cancel.PARTS, *streams.PARTS,
                     *plans.PARTS, *pages.PARTS, *response_time.PARTS, *rollout.PARTS, *upgrade.PARTS, *failover.PARTS,
                     *soak.PARTS, *compose.PARTS]
TRIALS = ROOT / ".baton" / "proof-trial.json"


class TooLongError(Exception):
    """A part did not end in its time."""


def main() -> int:
    """Run what was asked for."""
    topics = sorted({part.topic for part in PARTS})
    parser = argparse.ArgumentParser(prog="prove", description=__doc__)
    parser.add_argument("topics", nargs="*", help=f"all of them unless named: {', '.join(topics)}")
    parser.add_argument("--part", default="", help="only parts whose name contains this")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--scale", type=float, default=1.0, help="below 1: a trial, written to .baton only")
    parser.add_argument("--again", action="store_true", help="also what is proven already")
    asked = parser.parse_args()
    if unknown := set(asked.topics) - set(topics):
        parser.error(f"no topic {', '.join(sorted(unknown))}; there are {', '.join(topics)}")
    proofs = Proofs(PROOFS if asked.scale == 1 else TRIALS)
    wanted = [part for part in PARTS if (not asked.topics or part.topic in asked.topics) and asked.part in part.name]
    missed = [part.key for part in wanted if not _prove(part, asked, proofs)]
    print(f"missed: {', '.join(missed)}" if missed else "all gates met")
    return 1 if missed else 0


def _prove(part: Part, asked: argparse.Namespace, proofs: Proofs) -> bool:
    commit = commit_of_tree()
    with tempfile.TemporaryDirectory(prefix="baton-prove-") as folder:
        run = Run(asked.seed, asked.scale, Path(folder), lambda line: print(f"    {line}", flush=True))
        if not asked.again and proofs.holds(part, run, commit):
            print(f"{part.key}: proven at {commit}")
            return True
        print(f"{part.key}: at most {part.limit_s} s", flush=True)
        began = time.monotonic()
        try:
            result = _bounded(part, run)
        except (TooLongError, AssertionError, RuntimeError) as error:
            print(f"  FAILED after {time.monotonic() - began:.0f} s: {error}")
            return False
    for figure in result.figures:
        verdict = "met" if figure.met else f"MISSED ({figure.kind})"
        print(f"  {figure.name}: {figure.value:g} {figure.unit} ({figure.better} than {figure.bound:g}): {verdict}")
    print(f"  {result.details}\n  {time.monotonic() - began:.0f} s", flush=True)
    return proofs.write(part, run, commit, result)


def _bounded(part: Part, run: Run) -> Result:
    def too_long(_number: int, _frame: FrameType | None) -> None:
        raise TooLongError(f"not done in {part.limit_s} s")

    before = signal.signal(signal.SIGALRM, too_long)
    signal.alarm(part.limit_s)
    try:
        return part.run(run)
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


if __name__ == "__main__":
    sys.exit(main())
