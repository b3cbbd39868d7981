"""How many workflows one worker holds in flight with agents that take a second, before answers come late."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench.figures import percentile, steady
from bench.stage import Stage

AGENT_MS = 1_000
IDEAL_S = 3 * AGENT_MS / 1000
LATE = 1.10
TRIES = 2  # the first calls open connections, and a shared machine has bad moments


@dataclass(frozen=True, slots=True)
class Held:
    """One try: `in_flight` workflows by Little's law, p50 and p95 over the ideal of three calls."""

    in_flight: int
    p50_over_ideal: float
    p95_over_ideal: float
    worker_rss_mib: float
    worker_pss_mib: float

    @property
    def in_time(self) -> bool:
        """Whether 95 of 100 answers came within 10 % of the ideal."""
        return self.p95_over_ideal <= LATE


def climb(stage: Stage, ladder: Sequence[int], periods: float, tell: Callable[[str], None]) -> list[Held]:
    """Hold more and more, each for `periods` times the ideal, up to the first number that was twice too many."""
    tries: list[Held] = []
    for in_flight in ladder:
        for _ in range(TRIES):
            tries.append(_hold(stage, in_flight, periods))
            tell(f"{stage.contender}: {in_flight} in flight, p95 {tries[-1].p95_over_ideal:.2f} of the ideal")
            if tries[-1].in_time:
                break
        else:
            break
    return tries


def _hold(stage: Stage, in_flight: int, periods: float) -> Held:
    took = stage.asker.order(order="paced", count=int(in_flight * periods), per_s=in_flight / IDEAL_S)["took_s"]
    late = steady(took)
    assert stage.worker is not None  # noqa: S101 - only Celery contenders hold anything
    memory = stage.worker.memory
    return Held(in_flight, percentile(late, 50) / IDEAL_S, percentile(late, 95) / IDEAL_S,
                memory.rss_mib, memory.pss_mib)


def capacity(tries: Sequence[Held]) -> int:
    """The largest number held in time; 0 when none was."""
    return max((one.in_flight for one in tries if one.in_time), default=0)
