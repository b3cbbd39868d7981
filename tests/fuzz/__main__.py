"""`python -m tests.fuzz [--examples N] [--malformed N] [--seed N]`: both kinds of fuzzing against a running API."""

import argparse
import sys
import tempfile
from pathlib import Path

from tests.chaos.arena import Arena, Shape
from tests.fuzz.conformance import conform
from tests.fuzz.front import refuse_all


def main() -> int:
    """1 when something was found, which is printed with the curl command that shows it."""
    parser = argparse.ArgumentParser(prog="make fuzz", description=__doc__)
    parser.add_argument("--examples", type=int, default=50, help="cases an operation and phase")
    parser.add_argument("--malformed", type=int, default=5_000)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="baton-fuzz-") as folder, \
            Arena(Path(folder), Shape(workers=1, apis=1, beats=0)) as arena:
        arena.ready()
        refused = refuse_all(arena.api_urls[0], arena.valkey.url, asked.malformed, asked.seed)
        print(f"{refused.kinds.total()} malformed requests, answers {dict(refused.statuses)}, "
              f"recorded {refused.recorded}, faults {len(refused.faults)}", *refused.faults[:20], sep="\n")
        held = conform(arena.api_urls[0], Path(folder), asked.examples, asked.seed)
        print(held.said)
    return 0 if held.passed and not refused.faults and not refused.recorded else 1


if __name__ == "__main__":
    sys.exit(main())
