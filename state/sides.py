"""What the questions of each path came to, by when they began; keys, and what counts: `state/lua/sides.lua`."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from state import keys
from state.model import Path, WorkflowStatus
from state.store import AsyncStore, Hash

SLOT_MS: Final = 5_000
SLOTS_KEPT_MS: Final = 900_000
BUCKETS_A_DOUBLING: Final = 16
LAST_BUCKET: Final = 352
_SETTLED_MS: Final = 90_000  # older slots change seldom
_READ_AGAIN_MS: Final = 30_000


def upper_ms(bucket: int) -> float:
    """The longest time in `bucket`."""
    return math.inf if bucket >= LAST_BUCKET else float(2 ** (bucket / BUCKETS_A_DOUBLING))


@dataclass(frozen=True, slots=True)
class Side:
    """Questions of one path that began within some time: how many (without the excused), and what they came to.

    `times` has those that were answered, by bucket. The rest are still open.
    """

    asked: int = 0
    failed: int = 0
    degraded: int = 0
    times: Mapping[int, int] = field(default_factory=dict)

    @property
    def answered(self) -> int:
        """How many have an answer, by an agent or a stand-in."""
        return sum(self.times.values())

    def within(self, bucket: int) -> int:
        """How many were answered within `upper_ms(bucket)`."""
        return sum(count for at, count in self.times.items() if at <= bucket)

    def p95_bucket(self) -> int | None:
        """The bucket of the 95th percentile of those answered; None of none."""
        left = math.ceil(0.95 * self.answered)
        for bucket in sorted(self.times):
            left -= self.times[bucket]
            if left <= 0:
                return bucket
        return None


@dataclass(frozen=True, slots=True)
class Slot:
    """Both sides' questions that began within `SLOT_MS` from `at_ms`."""

    at_ms: int
    sides: Mapping[Path, Side]


def summed(sides: Iterable[Side]) -> Side:
    """All of them together."""
    asked = failed = degraded = 0
    times: Counter[int] = Counter()
    for side in sides:
        asked, failed, degraded = asked + side.asked, failed + side.failed, degraded + side.degraded
        times.update(side.times)
    return Side(asked, failed, degraded, times)


@dataclass(frozen=True, slots=True)
class Seen:
    """The slots of the last fifteen minutes, oldest first, and how many questions each path ended since ever."""

    now_ms: int
    slots: list[Slot]
    ended: Mapping[Path, int]


class SlotReader:
    """Reads them again and again; what changes seldom is remembered for half a minute."""

    def __init__(self, store: AsyncStore) -> None:
        self._store = store
        self._known: dict[int, tuple[int, Slot]] = {}

    async def read(self) -> Seen:
        """As of now, by the server's clock; raises `StoreUnavailable`."""
        clock, totals = await self._store.read(lambda pipe: (pipe.time(), pipe.hmget(keys.METRICS, _TOTALS)))
        now_ms = clock[0] * 1000 + clock[1] // 1000
        newest = now_ms - now_ms % SLOT_MS
        wanted = range(newest - SLOTS_KEPT_MS + SLOT_MS, newest + SLOT_MS, SLOT_MS)
        again = [at for at in wanted if at not in self._known or self._may_differ(at, now_ms)]
        hashes = await self._store.read(lambda pipe: [pipe.hgetall(_key(at)) for at in again])
        for at, found in zip(again, hashes, strict=True):
            self._known[at] = (now_ms, slot_of(at, found))
        self._known = {at: self._known[at] for at in wanted}
        return Seen(now_ms, [self._known[at][1] for at in wanted], _ended(totals))

    def _may_differ(self, at_ms: int, now_ms: int) -> bool:
        return now_ms - at_ms < _SETTLED_MS or now_ms - self._known[at_ms][0] > _READ_AGAIN_MS


ENDS: Final = (WorkflowStatus.SUCCEEDED, WorkflowStatus.DEGRADED, WorkflowStatus.FAILED)
_TOTALS: Final = [f"path|{path}|{status}" for path in Path for status in ENDS]


def _ended(totals: list[bytes | None]) -> dict[Path, int]:
    numbers = [int(total or 0) for total in totals]
    return {path: sum(numbers[i * len(ENDS) : (i + 1) * len(ENDS)]) for i, path in enumerate(Path)}


def _key(at_ms: int) -> str:
    return f"baton:rollout:asked:{at_ms // 1000}"


def slot_of(at_ms: int, found: Hash) -> Slot:
    """The slot in a hash."""
    sides: dict[Path, dict[str, Any]] = {path: {"begun": 0, "excused": 0, "FAILED": 0, "DEGRADED": 0} for path in Path}
    times: dict[Path, Counter[int]] = {path: Counter() for path in Path}
    for name, value in found.items():
        path, what, *bucket = name.decode().split("|")
        if bucket:
            times[Path(path)][int(bucket[0])] += int(value)
        if what in sides[Path(path)]:
            sides[Path(path)][what] += int(value)
    return Slot(at_ms, {
        path: Side(max(0, of["begun"] - of["excused"]), of["FAILED"], of["DEGRADED"], times[path])
        for path, of in sides.items()
    })
