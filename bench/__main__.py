"""`python -m bench`: the whole benchmark. It uses loopback only, stops by itself, and ends only what it started."""

import argparse
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from rich.console import Console

from bench import commands, inflight, outcome, processes, report, rounds, stored
from bench.commands import Commands
from bench.contenders import HELD, PROFILES, QUEUED, Contender
from bench.inflight import AGENT_MS, Held
from bench.processes import Memory
from bench.rounds import Samples
from bench.stage import Stage, set_up
from core.settings import get_settings

HELD_CONCURRENCY = 2_000  # of the workers whose agents take a second: not the pool is to be the limit
PERIODS = 3.0


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is measured."""

    rounds: int = 7
    alone: int = 40
    burst: int = 240
    counted: int = 200
    held: tuple[Contender, ...] = HELD
    ladder: tuple[int, ...] = (50, 100, 150, 200, 300, 400, 600, 1000)
    stored: tuple[int, ...] = (1_000, 10_000, 100_000)


QUICK = Sizes(rounds=2, alone=15, burst=60, counted=60, held=(Contender.BATON,), ladder=(100,), stored=(1_000, 5_000))


class Bench:
    """One run, phase after phase."""

    def __init__(self, sizes: Sizes, folder: Path, console: Console) -> None:
        self._sizes, self._folder, self._console = sizes, folder, console
        self._started = time.monotonic()

    def tell(self, what: str) -> None:
        """Say what happens, and when."""
        self._console.print(f"[dim]{time.monotonic() - self._started:4.0f} s  {what}")

    def run(self) -> report.Run:
        """All phases."""
        sizes = self._sizes
        with ExitStack() as stack:
            agent, url = processes.agent(self._folder)
            stack.enter_context(agent)
            samples, memory = self._rounds(f"{url}/0")
            with ThreadPoolExecutor() as together:  # counts do not mind company
                counts = together.map(lambda one: self._commands(one, f"{url}/0"), QUEUED)
                counted = dict(zip(QUEUED, counts, strict=True))
            held = {one: self._in_flight(one, f"{url}/{AGENT_MS}") for one in sizes.held}
            full = stored.measure(sizes.stored, self._folder, f"{url}/0", self.tell)
        found = {
            one: outcome.figures(
                PROFILES[one].title, samples[one], samples[Contender.DIRECT], samples[Contender.THREAD_SAFE],
                commands=counted.get(one), tries=held.get(one), worker=memory.get(one))
            for one in Contender
        }
        shape = {name: size for name, size in asdict(sizes).items() if isinstance(size, int)}
        return report.Run(shape, found, full, outcome.marks(found, full))

    def _rounds(self, agent_url: str) -> tuple[dict[Contender, Samples], dict[Contender, Memory]]:
        with ExitStack() as stack:
            stages = {one: self._stage(one, "rounds", agent_url, stack) for one in Contender}
            samples = rounds.measure(stages, self._sizes.rounds, self._sizes.alone, self._sizes.burst, self.tell)
            return samples, {one: stage.worker.memory for one, stage in stages.items() if stage.worker}

    def _commands(self, one: Contender, agent_url: str) -> Commands:
        with ExitStack() as stack:
            counted = commands.count(self._stage(one, "counted", agent_url, stack, counted=True), self._sizes.counted)
        self.tell(f"{one}: {counted.from_clients:.1f} commands a workflow")
        return counted

    def _in_flight(self, one: Contender, agent_url: str) -> list[Held]:
        with ExitStack() as stack:
            stage = self._stage(one, "held", agent_url, stack, HELD_CONCURRENCY)
            return inflight.climb(stage, self._sizes.ladder, PERIODS, self.tell)

    def _stage(self, one: Contender, phase: str, agent_url: str, stack: ExitStack, concurrency: int = 0,
               *, counted: bool = False) -> Stage:
        workers = concurrency or get_settings().worker_concurrency
        return set_up(one, self._folder / f"{phase}-{one}", agent_url, workers, stack, counted=counted)


def main() -> int:
    """Run, show and save; the exit code is 1 only when asked to check and a gate is not met."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a look in a minute or so, too short for figures")
    parser.add_argument("--stored", type=int, default=0, help="largest store, e.g. 1000000 (needs 8 GiB and minutes)")
    parser.add_argument("--publish", action="store_true", help="write docs/benchmarks.* as well")
    parser.add_argument("--check", action="store_true", help="fail when a gate is not met")
    options = parser.parse_args()
    sizes = QUICK if options.quick else Sizes()
    if options.stored:
        sizes = replace(sizes, stored=(*(size for size in sizes.stored if size < options.stored), options.stored))
    console = Console(highlight=False)
    with tempfile.TemporaryDirectory(prefix="baton-bench-") as folder:
        run = Bench(sizes, Path(folder), console).run()
    report.show(run, console)
    console.print(f"Figures: {report.save(run)}")
    if options.publish:
        report.publish(run)
    return 1 if options.check and any(mark.is_gate and not mark.met for mark in run.marks) else 0


if __name__ == "__main__":
    sys.exit(main())
