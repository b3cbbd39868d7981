"""What came out of one run: figures by contender, ratios of pairs, and whether the gates and targets are met."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from bench.commands import Commands
from bench.contenders import BATON, Contender
from bench.figures import median_difference, median_ratio, percentile
from bench.inflight import Held, capacity
from bench.processes import Memory
from bench.rounds import Samples
from bench.stored import Stored


@dataclass(frozen=True, slots=True)
class Figures:
    """One contender: medians over rounds; `over_direct_ms` and `to_thread_safe` are medians over pairs of one round."""

    title: str
    workflows_per_s: float
    to_thread_safe: float
    alone_p50_ms: float
    alone_p95_ms: float
    alone_p99_ms: float
    over_direct_ms: float
    cpu_ms: dict[str, float]
    reads: float | None = None
    commands: Commands | None = None
    in_flight: int | None = None
    tries: tuple[Held, ...] = ()
    worker: Memory | None = None

    @property
    def cpu_total_ms(self) -> float:
        """Asker, worker and Valkey together; the agent is everyone's."""
        return sum(self.cpu_ms.values())


@dataclass(frozen=True, slots=True)
class Mark:
    """A gate or a target, and what was measured against it."""

    what: str
    wanted: str
    measured: float
    met: bool
    is_gate: bool
    bound: float
    at_least: bool


def figures(title: str, ours: Samples, direct: Samples, thread_safe: Samples, *, commands: Commands | None,
            tries: Sequence[Held] | None, worker: Memory | None) -> Figures:
    """One contender's figures from its samples."""
    alone_ms = [sample for one_round in ours.alone_ms for sample in one_round]
    return Figures(
        title,
        median(ours.workflows_per_s),
        median_ratio(ours.workflows_per_s, thread_safe.workflows_per_s),
        percentile(alone_ms, 50),
        percentile(alone_ms, 95),
        percentile(alone_ms, 99),
        median_difference(_p50s(ours), _p50s(direct)),
        {name: median(sample[name] for sample in ours.cpu_ms) for name in ours.cpu_ms[0]},
        median(ours.reads) if ours.reads else None,
        commands,
        None if tries is None else capacity(tries),
        tuple(tries or ()),
        worker,
    )


def _p50s(samples: Samples) -> list[float]:
    return [percentile(one_round, 50) for one_round in samples.alone_ms]


def marks(found: Mapping[Contender, Figures], stored: Sequence[Stored]) -> list[Mark]:
    """Every gate (a floor for a release) and target (where it is to go)."""
    baton, broker, silent = (found[one] for one in BATON)
    bare = found[Contender.THREAD_SAFE]
    out = [
        _at_least("workflows/s, handoff off, to thread-safe Celery", broker.to_thread_safe, 1.0, gate=True),
        _at_least("workflows/s to thread-safe Celery", baton.to_thread_safe, 1.4, gate=True),
        _at_least("workflows/s, handoff off, to thread-safe Celery", broker.to_thread_safe, 1.1),
        _at_least("workflows/s to thread-safe Celery", baton.to_thread_safe, 1.6),
        _at_least("workflows/s", baton.workflows_per_s, 375),
        _at_most("ms alone over direct calls, as thread-safe Celery", baton.over_direct_ms, bare.over_direct_ms,
                 gate=True),
        _at_most("ms alone over direct calls", baton.over_direct_ms, 5.5),
        _at_least("workflows/s with task events to without", baton.workflows_per_s / silent.workflows_per_s, 0.9),
    ]
    if baton.commands is not None:
        out.append(_at_most("Valkey commands a workflow", baton.commands.from_clients, 45, gate=True))
    if baton.in_flight is not None:
        out += [_at_least("in flight at 1 s agents", baton.in_flight, number) for number in (300, 1000)]
    if stored:
        few, many = stored[0], stored[-1]
        among = f"at {many.workflows:,} stored, to {few.workflows:,}"
        out += [
            _at_most(f"transition {among}", many.transition_us / few.transition_us, 1.2, gate=True),
            _at_most(f"cancel {among}", many.cancel_us / few.cancel_us, 1.2, gate=True),
            _at_most(f"status read {among}", many.read_us / few.read_us, 1.2, gate=True),
            _at_most(f"ms for a page of a list at {many.workflows:,} stored", many.page_ms, 20, gate=True),
            _at_most(f"ms for a search through 10,000 of {many.workflows:,} stored", many.search_us / 1000, 200),
            _at_most("bytes of a finished workflow beside its outputs", many.bytes_beside_outputs, 4096, gate=True),
        ]
    return out


def _at_least(what: str, measured: float, wanted: float, *, gate: bool = False) -> Mark:
    return Mark(what, f">= {wanted:g}", measured, measured >= wanted, gate, wanted, at_least=True)


def _at_most(what: str, measured: float, wanted: float, *, gate: bool = False) -> Mark:
    return Mark(what, f"<= {wanted:.4g}", measured, measured <= wanted, gate, wanted, at_least=False)
