"""What it costs to have many finished workflows in the store."""

import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import psutil

from bench.figures import interleaved
from bench.processes import MIB, Spoken, Valkey
from bench.stage import agents_at
from state import keys

ROUNDS = 6
WORKFLOWS, READS = 40, 400  # a round
KEPT_S = 80_000  # the copies were created over nearly a day
MIB_EACH = 0.012  # with room to spare


@dataclass(frozen=True, slots=True)
class Stored:
    """At one size: medians over all rounds, and the memory of one finished workflow, its share of indexes included."""

    workflows: int
    transition_us: float
    read_us: float
    bytes_each: float
    bytes_by_key: dict[str, int]

    @property
    def bytes_beside_outputs(self) -> float:
        """What a finished workflow takes beside its outputs."""
        return self.bytes_each - self.bytes_by_key[keys.outputs("<id>")]


def measure(sizes: Sequence[int], folder: Path, agent_url: str, tell: Callable[[str], None]) -> list[Stored]:
    """A server for each size, all at once, worked on in turn: what slows the machine slows all sizes."""
    needed_mib, free_mib = sum(sizes) * MIB_EACH, psutil.virtual_memory().available / MIB
    if needed_mib > free_mib:
        raise SystemExit(f"{max(sizes)} stored workflows need {needed_mib:.0f} MiB of memory, {free_mib:.0f} are free.")
    with ExitStack() as stack:
        librarians, filled = {}, {}
        for size in sizes:
            librarians[size] = _librarian(size, folder, agent_url, stack)
            filled[size] = librarians[size].order(order="fill", count=size, spread_s=KEPT_S)
            tell(f"{size} finished workflows stored")
        transitions: dict[int, list[float]] = {size: [] for size in sizes}
        reads: dict[int, list[float]] = {size: [] for size in sizes}
        for number in range(ROUNDS):
            for size in interleaved(sizes, number):
                took = librarians[size].order(order="work", workflows=WORKFLOWS, reads=READS)
                transitions[size] += took["transition_us"]
                reads[size] += took["read_us"]
        return [Stored(size, median(transitions[size]), median(reads[size]), **filled[size]) for size in sizes]


def _librarian(size: int, folder: Path, agent_url: str, stack: ExitStack) -> Spoken:
    # Without the append-only file: it is about memory and look-ups, and 10^6 workflows would fill the disk.
    valkey = stack.enter_context(Valkey(f"valkey-{size}", folder, durable=False))
    environment = {**agents_at(agent_url), "REDIS_URL": valkey.url, "LOG_LEVEL": "WARNING"}
    command = [sys.executable, "-m", "bench.librarian"]
    return stack.enter_context(Spoken(f"librarian-{size}", command, folder, environment))
