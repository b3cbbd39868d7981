"""A metric family: what Prometheus reads under one name, and where its samples come from."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

from breakers.status import RawStatus
from state.backlog import Backlog
from state.memory import Memory
from state.metrics import Counts
from state.rollout import Rollout


@dataclass(frozen=True, slots=True)
class Reading:
    """What one scrape found."""

    counts: Counts
    backlog: Backlog
    breakers: Mapping[str, RawStatus]
    rollout: Rollout = field(default_factory=Rollout)
    memory: Memory = field(default_factory=Memory)
    writable: bool = True


@dataclass(frozen=True, slots=True)
class Spread:
    """A histogram's sample: how many were at most so much (as Prometheus writes a limit), and the sum of all."""

    not_above: list[tuple[str, float]]
    total: float


Values = tuple[str, ...]
Samples = Iterable[tuple[Values, float | Spread]]


class Kind(StrEnum):
    """What Prometheus takes it for."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


_METRICS: Final[Mapping[Kind, Callable[..., Any]]] = {
    Kind.COUNTER: CounterMetricFamily,
    Kind.GAUGE: GaugeMetricFamily,
    Kind.HISTOGRAM: HistogramMetricFamily,
}


@dataclass(frozen=True, slots=True)
class Family:
    """One family; `name` as it stands in queries, a histogram's without `_bucket`, `_sum`, `_count`."""

    name: str
    kind: Kind
    labels: Values
    about: str
    samples: Callable[[Reading], Samples]

    def collect(self, reading: Reading) -> Metric:
        """Its samples of one reading, in order."""
        metric: Any = _METRICS[self.kind](self.name, self.about, labels=self.labels)
        for values, sample in sorted(self.samples(reading), key=lambda one: one[0]):
            amounts = (sample.not_above, sample.total) if isinstance(sample, Spread) else (sample,)
            metric.add_metric(values, *amounts)
        return metric  # type: ignore[no-any-return]
