"""What was counted, minute by minute or hour by hour: the differences between one snapshot and the next."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Final

from state import keys
from state.histogram import Histogram
from state.metrics import BY_MINUTE_AT_MOST_MS, HOUR_MS, MINUTE_MS, Counts, Path, less, read_counts, read_snapshot
from state.model import StepStatus
from state.store import AsyncStore

_SLOTS_KEPT: Final = 512  # what was counted in a minute that is over does not change


@dataclass(frozen=True, slots=True)
class Counted:
    """Workflows that ended, by status, and by agent the times that half of its answers, and 99 %, did not exceed."""

    ended: Mapping[str, int]
    p50_ms: Mapping[str, float]
    p99_ms: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Slot:
    """One minute or hour, from `at_ms` on."""

    at_ms: int
    counted: Counted


NOTHING: Final = Counted({}, {}, {})


async def read_timeline(store: AsyncStore, window_ms: int) -> list[Slot]:
    """All slots of the window, also those in which nothing was counted; the last one is under way."""
    by_minute = window_ms <= BY_MINUTE_AT_MOST_MS
    stream, step_ms = (keys.METRICS_BY_MINUTE, MINUTE_MS) if by_minute else (keys.METRICS_BY_HOUR, HOUR_MS)
    ((seconds, _),) = await store.read(lambda pipe: pipe.time())
    from_ms = (seconds * 1000 - window_ms) // step_ms * step_ms
    entries, now = await store.read(lambda pipe: (pipe.xrange(stream, from_ms), pipe.hgetall(keys.METRICS)))
    at_ms = [int(entry_id.partition(b"-")[0]) for entry_id, _ in entries]
    raw = [fields[b"counts"] for _, fields in entries]
    counted = [_between(before, after) for before, after in pairwise(raw)]
    if raw:
        counted.append(_difference(read_snapshot(raw[-1]), read_counts(now.items())))
    found = dict(zip(at_ms, counted, strict=True))
    return [Slot(at, found.get(at, NOTHING)) for at in range(from_ms, seconds * 1000 + 1, step_ms)]


@lru_cache(maxsize=_SLOTS_KEPT)
def _between(before: bytes, after: bytes) -> Counted:
    return _difference(read_snapshot(before), read_snapshot(after))


def _difference(before: Mapping[Path, int], after: Mapping[Path, int]) -> Counted:
    counts = Counts.of(less(after, before))
    ended: Counter[str] = Counter()
    for mode in counts.at("ended").below.values():
        ended.update({status: node.total for status, node in mode.below.items()})
    answers = {agent: counts.times("attempt", agent, StepStatus.SUCCEEDED) for agent in counts.at("attempt").below}
    return Counted(dict(ended), _quantiles(answers, 0.5), _quantiles(answers, 0.99))


def _quantiles(times: Mapping[str, Histogram], share: float) -> dict[str, float]:
    """By agent, without those that gave no answer."""
    found = {agent: histogram.quantile_ms(share) for agent, histogram in times.items()}
    return {agent: ms for agent, ms in found.items() if ms is not None}
