"""`python -m bench.breakers`: what a breaker costs a call, ours beside others that keep their state in Redis.

Every contender has its turn in every round, there and back again, in the same processes and on the same server. Round
trips are the server's own count of socket reads.
"""

import argparse
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console

from bench import breaker_report, tables
from bench.figures import interleaved
from bench.guard_figures import Cost, Gate, Key, Sample, cost, gates
from bench.processes import Spoken, Valkey
from bench.situations import Contender, Situation

SECONDS = 1.0  # so that what happens once a second or less often is not seen more often than that
ROUNDS, PROCESSES = 7, (1, 8)


@dataclass(frozen=True, slots=True)
class Measured:
    """One whole run."""

    rounds: int
    seconds: float
    costs: dict[Key, Cost]
    gates: list[Gate]


class Crew:
    """A server and the processes that call."""

    def __init__(self, folder: Path, size: int, stack: ExitStack) -> None:
        self._server = stack.enter_context(Valkey("valkey", folder))
        self._callers = [stack.enter_context(Spoken(
            f"caller-{number}", [sys.executable, "-m", "bench.guarded", self._server.url], folder, {}))
            for number in range(size)]
        self._together = stack.enter_context(ThreadPoolExecutor(size))

    def sample(self, contender: Contender, situation: Situation, processes: int, seconds: float) -> Sample:
        """One turn."""
        callers = self._callers[:processes]
        self._order(callers, order="begin", contender=contender, situation=situation)
        before = self._reads()
        told = self._order(callers, order="call", seconds=seconds)
        trips = self._reads() - before - 1  # the second look at the count is counted in it
        self._order(callers, order="end")
        return Sample(sum(one["calls"] for one in told), median(one["p50_us"] for one in told),
                      median(one["p99_us"] for one in told), trips)

    def _order(self, callers: Sequence[Spoken], **order: Any) -> list[dict[str, Any]]:
        return list(self._together.map(lambda caller: caller.order(**order), callers))

    def _reads(self) -> int:
        stats: Any = self._server.client.info("stats")
        return int(stats["total_reads_processed"])


def measure(folder: Path, rounds: int, tell: Callable[[str], None], seconds: float = SECONDS) -> Measured:
    """All contenders in all situations, alone and with others."""
    turns = [(contender, situation, processes) for contender in Contender for situation in Situation
             for processes in PROCESSES if contender is not Contender.BARE or situation is Situation.CLEAN]
    samples: defaultdict[Key, list[Sample]] = defaultdict(list)
    with ExitStack() as stack:
        crew = Crew(folder, max(PROCESSES), stack)
        for number in range(rounds):
            for turn in interleaved(turns, number):
                samples[turn].append(crew.sample(*turn, seconds))
            tell(f"round {number + 1}/{rounds}")
    costs = {turn: cost(turn, samples[turn], seconds) for turn in turns}
    return Measured(rounds, seconds, costs, gates(costs))


def main() -> int:
    """Run, show and save; the exit code is 1 only when asked to check and a gate is not met."""
    parser = argparse.ArgumentParser(prog="python -m bench.breakers", description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--publish", action="store_true", help="write docs/breakers.* as well")
    parser.add_argument("--check", action="store_true", help="fail when a gate is not met")
    options = parser.parse_args()
    console = Console(highlight=False)
    with tempfile.TemporaryDirectory(prefix="baton-bench-") as folder:
        found = measure(Path(folder), options.rounds, console.print)
    marks = [gate.mark for gate in found.gates]
    shown = breaker_report.tables_of(found.costs, marks)
    for table in shown:
        tables.show(table, console)
    figures = breaker_report.as_json(found.rounds, found.seconds, found.costs, marks)
    console.print(f"Figures: {breaker_report.save(figures)}")
    if options.publish:
        breaker_report.publish(figures, shown)
    return 1 if options.check and not all(mark.met for mark in marks) else 0


if __name__ == "__main__":
    sys.exit(main())
