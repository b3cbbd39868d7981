"""Workflows alone and in bursts: rounds in which every contender has its turn, there and back again."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from bench.contenders import Contender
from bench.figures import interleaved
from bench.stage import Stage, settle


@dataclass(slots=True)
class Samples:
    """One contender's: an entry a round. CPU is by process; `alone_ms` holds every single workflow of a round."""

    alone_ms: list[list[float]] = field(default_factory=list)
    workflows_per_s: list[float] = field(default_factory=list)
    cpu_ms: list[dict[str, float]] = field(default_factory=list)
    reads: list[float] = field(default_factory=list)


def measure(stages: Mapping[Contender, Stage], rounds: int, alone: int, burst: int,
            tell: Callable[[str], None]) -> dict[Contender, Samples]:
    """`alone` workflows one by one and a burst of `burst`, for every contender in every round."""
    samples: defaultdict[Contender, Samples] = defaultdict(Samples)
    for number in range(rounds):
        for contender in interleaved(list(stages), number):
            _take(stages[contender], samples[contender], alone, burst)
            last = samples[contender]
            tell(f"round {number + 1}/{rounds} {contender}: {last.workflows_per_s[-1]:.0f} workflows/s")
    return dict(samples)


def _take(stage: Stage, samples: Samples, alone: int, burst: int) -> None:
    settle()
    took = stage.asker.order(order="alone", count=alone)["took_s"]
    samples.alone_ms.append([second * 1000 for second in took])
    settle()
    cpu_before, stats_before = stage.cpu_s(), stage.stats()
    wall_s = stage.asker.order(order="burst", count=burst)["wall_s"]
    cpu_after, stats_after = stage.cpu_s(), stage.stats()
    samples.workflows_per_s.append(burst / wall_s)
    samples.cpu_ms.append({name: (cpu_after[name] - cpu_before[name]) / burst * 1000 for name in cpu_after})
    if stage.valkey:
        reads = stats_after["total_reads_processed"] - stats_before["total_reads_processed"]
        samples.reads.append(reads / burst)
