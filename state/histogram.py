"""Times in logarithmic buckets, four a doubling, as `state/lua/metrics.lua` fills them."""

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

BUCKETS_A_DOUBLING: Final = 4
LAST_BUCKET: Final = 89  # all that took longer than 2^22 ms, 70 minutes
# A time is told as the geometric middle of its bucket. Of a few ms, the clock itself is no finer.
ERROR: Final = 2 ** (0.5 / BUCKETS_A_DOUBLING) - 1


def upper_ms(bucket: int) -> float:
    """The longest time in `bucket`."""
    return math.inf if bucket >= LAST_BUCKET else float(2 ** (bucket / BUCKETS_A_DOUBLING))


@dataclass(frozen=True, slots=True)
class Histogram:
    """How many times fell into each bucket, and their sum."""

    buckets: Mapping[int, int]
    sum_ms: int = 0

    @property
    def count(self) -> int:
        """How many there are."""
        return sum(self.buckets.values())

    @property
    def mean_ms(self) -> float | None:
        """Exact; None of none."""
        return self.sum_ms / self.count if self.count else None

    def quantile_ms(self, share: float) -> float | None:
        """What `share` (0 to 1) of all did not exceed, within `ERROR` of the time that was measured; None of none."""
        rank = max(1, math.ceil(share * self.count))
        for bucket in sorted(self.buckets):
            rank -= self.buckets[bucket]
            if rank <= 0:
                return _middle_ms(bucket)
        return None

    def __add__(self, other: "Histogram") -> "Histogram":
        buckets = Counter(self.buckets)
        buckets.update(other.buckets)
        return Histogram(buckets, self.sum_ms + other.sum_ms)

    def not_above(self, bucket: int) -> int:
        """How many took at most `upper_ms(bucket)`."""
        return sum(count for index, count in self.buckets.items() if index <= bucket)


def _middle_ms(bucket: int) -> float:
    if bucket == 0:
        return 1.0
    return float(2 ** ((min(bucket, LAST_BUCKET) - 0.5) / BUCKETS_A_DOUBLING))
