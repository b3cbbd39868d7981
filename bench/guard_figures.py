"""From rounds of guarded calls to figures, gates and tables."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from bench.outcome import Mark
from bench.situations import Contender, Situation
from bench.tables import Table

Key = tuple[Contender, Situation, int]  # and so many processes


@dataclass(frozen=True, slots=True)
class Sample:
    """One round's: `p50_us` and `p99_us` are medians over its processes, the others are of all together."""

    calls: int
    p50_us: float
    p99_us: float
    round_trips: int


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one call, medians over rounds."""

    contender: str
    situation: str
    processes: int
    p50_us: float
    p99_us: float
    trips_per_call: float
    trips_at_p50: float
    trips_per_s_and_process: float


def cost(key: Key, samples: Sequence[Sample], seconds: float) -> Cost:
    """One contender's in one situation. With fewer round trips than half the calls, the median call took none."""
    contender, situation, processes = key
    per_call = median(sample.round_trips / sample.calls for sample in samples)
    return Cost(contender.value, situation.value, processes, median(sample.p50_us for sample in samples),
                median(sample.p99_us for sample in samples), per_call, 0.0 if per_call < 0.5 else round(per_call, 2),
                median(sample.round_trips for sample in samples) / seconds / processes)


@dataclass(frozen=True, slots=True)
class Gate:
    """What must not be exceeded, and what was measured."""

    what: str
    measured: float
    bound: float

    @property
    def mark(self) -> Mark:
        """As the benchmarks tell it."""
        return Mark(self.what, f"<= {self.bound:g}", self.measured, self.measured <= self.bound, is_gate=True,
                    bound=self.bound, at_least=False)


def gates(costs: Mapping[Key, Cost]) -> list[Gate]:
    """What Baton's breaker is held to, with one process and with more."""
    found = []
    for processes in sorted({key[2] for key in costs}):
        clean, failing, refusing = (costs[Contender.BATON, situation, processes] for situation in Situation)
        among = f", {processes} process{'es' if processes > 1 else ''}"
        found += [
            Gate(f"us of a call, closed and clean, p50{among}", clean.p50_us, 5),
            Gate(f"its round trips at p50{among}", clean.trips_at_p50, 0),
            Gate(f"its round trips a second and process{among}", clean.trips_per_s_and_process, 4),
            Gate(f"round trips of a failure{among}", failing.trips_at_p50, 1),
            Gate(f"round trips of a refusal at p50{among}", refusing.trips_at_p50, 0),
            Gate(f"round trips a second and process while it refuses{among}", refusing.trips_per_s_and_process, 1),
        ]
    return found


def side_by_side(costs: Mapping[Key, Cost]) -> list[Table]:
    """A table for each situation."""
    heads = ("", "processes", "p50, us", "p99, us", "round trips a call", "a second and process")
    return [Table(situation.value.capitalize(), heads, [
        [one.contender, str(one.processes), f"{one.p50_us:.2f}", f"{one.p99_us:.2f}", f"{one.trips_per_call:.2f}",
         f"{one.trips_per_s_and_process:,.0f}"] for key, one in costs.items() if key[1] is situation])
        for situation in Situation]
