"""The points of a histogram: how many values lie in each range."""

import math
from itertools import pairwise

from agents.viz.fit import Encoding
from agents.viz.points import Points

MAX_BINS = 30


def histogram(encoding: Encoding) -> Points:
    """Ranges of equal width with round ends, and how many values lie in each; ranges given with counts as they are."""
    if encoding.binned:
        return _given_ranges(encoding)
    numbers = [v for v in encoding.x[0].values if v is not None]
    low, width, bins = _ranges(numbers)
    counts = [0] * bins
    for number in numbers:
        counts[min(int((number - low) / width), bins - 1)] += 1
    points = Points(
        [
            {"x": _round(low + at * width), "x2": _round(low + (at + 1) * width), "y": count}
            for at, count in enumerate(counts)
        ]
    )
    missing = len(encoding.x[0].values) - len(numbers)
    if missing:
        points.notes.append(f"{missing:,} rows without a value left out.")
    return points


def _given_ranges(encoding: Encoding) -> Points:
    starts = encoding.x[0].values
    if not all(isinstance(v, int | float) for v in starts):
        names = [str(v) for v in starts]
        return Points([{"x": n, "y": y or 0} for n, y in zip(names, encoding.y[0].values, strict=True)], names=names)
    numbers = sorted(set(starts))
    width = min((b - a for a, b in pairwise(numbers)), default=1)
    ends = encoding.x[1].values if len(encoding.x) > 1 else [s + width for s in starts]
    rows = sorted(zip(starts, ends, encoding.y[0].values, strict=True), key=lambda row: row[0])
    return Points([{"x": start, "x2": end, "y": count or 0} for start, end, count in rows])


def _ranges(numbers: list[float]) -> tuple[float, float, int]:
    low, high = min(numbers), max(numbers)
    rough = (high - low) / min(MAX_BINS, max(5, math.ceil(2 * len(numbers) ** (1 / 3))))
    scale = 10.0 ** math.floor(math.log10(rough))
    width = next(scale * nice for nice in (1, 2, 2.5, 5, 10) if scale * nice >= rough)
    if all(float(n).is_integer() for n in numbers):
        width = max(1, math.ceil(width))
    start = math.floor(low / width) * width
    return start, width, max(1, math.floor((high - start) / width) + 1)


def _round(number: float) -> float:
    return float(f"{number:.12g}")
