"""One process that calls under breakers: `python -m bench.guarded URL`. Each line in is an order, each out an answer.

    {"order": "begin", "contender": ..., "situation": ...}    warm up, in that situation
    {"order": "call", "seconds": 1.0}                         -> calls, p50_us, p99_us
    {"order": "end"}
"""

import json
import sys
from contextlib import ExitStack
from typing import Any

from bench.figures import percentile
from bench.guards import guarded
from bench.situations import Contender, Situation, Timed


class Caller:
    """What has been begun."""

    def __init__(self, url: str) -> None:
        self._url, self._held = url, ExitStack()
        self._calls: Timed

    def begin(self, contender: str, situation: str) -> dict[str, Any]:
        """Make the breaker."""
        self._calls = self._held.enter_context(guarded(Contender(contender), Situation(situation), self._url))
        return {}

    def call(self, seconds: float) -> dict[str, Any]:
        """Use it."""
        took = self._calls(seconds)
        return {"calls": len(took), "p50_us": percentile(took, 50) / 1000, "p99_us": percentile(took, 99) / 1000}

    def end(self) -> dict[str, Any]:
        """Let it go."""
        self._held.close()
        return {}


def main() -> None:
    """Answer orders until the input ends."""
    caller = Caller(sys.argv[1])
    for line in sys.stdin:
        order = json.loads(line)
        print(json.dumps(getattr(caller, order.pop("order"))(**order)), flush=True)


if __name__ == "__main__":
    main()
