"""What it costs to have many finished workflows in the store."""

import sys
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import psutil

from bench.figures import interleaved
from bench.processes import MIB, Spoken, Valkey
from bench.stage import agents_at

ROUNDS = 6
WORKFLOWS, READS, PAGES, SEARCHES = 40, 400, 40, 3  # a round
KEPT_S = 80_000  # the copies were created over nearly a day
MIB_EACH = 0.008  # with room to spare


@dataclass(frozen=True, slots=True)
class Stored:
    """At one size: medians over all rounds, and the memory of one finished workflow, its share of indexes included."""

    workflows: int
    transition_us: float
    cancel_us: float
    read_us: float
    page_by_time_us: float
    page_by_status_us: float
    search_us: float
    bytes_each: float
    bytes_of_outputs: int

    @property
    def page_ms(self) -> float:
        """The slower of the two lists."""
        return max(self.page_by_time_us, self.page_by_status_us) / 1000

    @property
    def bytes_beside_outputs(self) -> float:
        """What a finished workflow takes beside its outputs: its keys and its share of the indexes included."""
        return self.bytes_each - self.bytes_of_outputs


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
        took: dict[int, defaultdict[str, list[float]]] = {size: defaultdict(list) for size in sizes}
        for number in range(ROUNDS):
            for size in interleaved(sizes, number):
                samples = librarians[size].order(order="work", workflows=WORKFLOWS, reads=READS, pages=PAGES,
                                                 searches=SEARCHES)
                for what, us in samples.items():
                    took[size][what] += us
        return [Stored(size, **_medians(took[size]), **filled[size]) for size in sizes]


def _medians(samples: Mapping[str, Sequence[float]]) -> dict[str, Any]:
    return {what: median(of_one) for what, of_one in samples.items()}


def _librarian(size: int, folder: Path, agent_url: str, stack: ExitStack) -> Spoken:
    # Without the append-only file: it is about memory and look-ups, and 10^6 workflows would fill the disk.
    valkey = stack.enter_context(Valkey(f"valkey-{size}", folder, durable=False))
    environment = {**agents_at(agent_url), "REDIS_URL": valkey.url, "LOG_LEVEL": "WARNING"}
    command = [sys.executable, "-m", "bench.librarian"]
    return stack.enter_context(Spoken(f"librarian-{size}", command, folder, environment))
