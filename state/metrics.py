"""What the transitions counted, since the first one ever or over a window; the keys stand in `state/lua/metrics.lua`.

The fields, `<what>|<label>|...`:
    accepted|mode · ended|mode|status · routed|route · workflow_time|mode · out_of_time|deadline or pause · control|verb
    step|agent|status|tries · step_time|agent · attempt|agent|status · breaker_wait|agent
    path|path|status · rollout|move|measure · rollout_look|outcome
    taken_over|agent · resent|agent · poisoned|agent · brought_back|agent|status
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from state import keys
from state.histogram import Histogram
from state.store import AsyncStore

MINUTE_MS: Final = 60_000
HOUR_MS: Final = 3_600_000
BY_MINUTE_AT_MOST_MS: Final = 2 * HOUR_MS - MINUTE_MS  # longer windows begin at a full hour
WINDOW_AT_MOST_MS: Final = 7 * 24 * HOUR_MS
_SUM: Final = "ms"
Path = tuple[str, ...]


class Counts:
    """Counts by path: a tree, in which each node is the sum of what is below it."""

    __slots__ = ("below", "total")

    def __init__(self) -> None:
        self.total = 0
        self.below: dict[str, Counts] = {}

    @classmethod
    def of(cls, counted: Mapping[Path, int]) -> "Counts":
        """The tree of single counts; the sums of times count nothing."""
        root = cls()
        for path, count in counted.items():
            node, weight = root, 0 if path[-1] == _SUM else count
            for label in path:
                node.total += weight
                node = node.below.setdefault(label, cls())
            node.total += count
        return root

    def at(self, *path: str) -> "Counts":
        """The node there, an empty one if nothing was counted."""
        node = self
        for label in path:
            node = node.below.get(label, _NOTHING)
        return node

    def times(self, *path: str) -> Histogram:
        """The times measured there."""
        below = self.at(*path).below
        buckets = {int(label): node.total for label, node in below.items() if label != _SUM}
        return Histogram(buckets, below[_SUM].total if _SUM in below else 0)


_NOTHING: Final = Counts()


@dataclass(frozen=True, slots=True)
class Window:
    """What was counted from one moment to another, by the server's clock."""

    counts: Counts
    from_ms: int
    to_ms: int


async def read_window(store: AsyncStore, window_ms: int) -> Window:
    """The last `window_ms`, and back to the full minute before, or to the full hour if it is long."""
    clock, now = await store.read(lambda pipe: (pipe.time(), pipe.hgetall(keys.METRICS)))
    now_ms = clock[0] * 1000 + clock[1] // 1000
    stream, step_ms = (
        (keys.METRICS_BY_MINUTE, MINUTE_MS) if window_ms <= BY_MINUTE_AT_MOST_MS else (keys.METRICS_BY_HOUR, HOUR_MS)
    )
    from_ms = (now_ms - min(window_ms, WINDOW_AT_MOST_MS)) // step_ms * step_ms
    (found,) = await store.read(lambda pipe: pipe.xrange(stream, from_ms, "+", count=1))
    counted = read_counts(now.items())
    # Without a snapshot since then, nothing was counted since then.
    before = read_snapshot(found[0][1][b"counts"]) if found else counted
    return Window(Counts.of(less(counted, before)), from_ms, now_ms)


async def read_totals(store: AsyncStore) -> Counts:
    """Everything since the first transition ever."""
    return Counts.of(read_counts((await store.hash(keys.METRICS)).items()))


def read_counts(fields: Iterable[tuple[bytes, bytes]]) -> dict[Path, int]:
    """The hash's counts by path."""
    return {tuple(name.decode().split("|")): int(value) for name, value in fields if b"|" in name}


def read_snapshot(raw: bytes) -> dict[Path, int]:
    """The counts of a snapshot."""
    fields: Any = json.loads(raw) or []  # Lua's empty table is written as {}
    pairs = zip(fields[::2], fields[1::2], strict=True)
    return {tuple(name.split("|")): int(value) for name, value in pairs if "|" in name}


def less(now: Mapping[Path, int], before: Mapping[Path, int]) -> dict[Path, int]:
    """What came since `before`; counts never fall, whatever was restored or removed."""
    rises = ((path, count - before.get(path, 0)) for path, count in now.items())
    return {path: rise for path, rise in rises if rise > 0}
