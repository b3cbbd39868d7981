"""From samples to figures."""

import math
from collections.abc import Mapping, Sequence
from statistics import median
from typing import TypeVar

K = TypeVar("K")


def percentile(samples: Sequence[float], percent: float) -> float:
    """The smallest sample that `percent` of all are not above (nearest rank)."""
    ordered = sorted(samples)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


def median_ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """Median over pairs measured next to each other: what slows the machine for a while slows both of a pair."""
    return median(our / their for our, their in zip(ours, theirs, strict=True))


def median_difference(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """The same for differences."""
    return median(our - their for our, their in zip(ours, theirs, strict=True))


def interleaved(things: Sequence[K], round_number: int) -> list[K]:
    """The order of one round: there and back again, so that a drift of the machine meets all alike."""
    return list(things) if round_number % 2 == 0 else list(reversed(things))


def steady(took_s: Sequence[float]) -> Sequence[float]:
    """The second half of arrivals: by then as many come as go."""
    return took_s[len(took_s) // 2 :]


def less_idle(after: Mapping[str, float], before: Mapping[str, float], idle_per_s: Mapping[str, float],
              lasted_s: float) -> dict[str, float]:
    """What was counted between two looks, without what an idle system counts in that time."""
    counted = {name: after[name] - before.get(name, 0.0) - idle_per_s.get(name, 0.0) * lasted_s for name in after}
    return {name: max(0.0, value) for name, value in counted.items()}
