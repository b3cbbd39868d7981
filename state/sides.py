"""What the questions of each path came to, by when they began; keys, and what counts: `state/lua/sides.lua`."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Final

from state.model import Path, WorkflowStatus
from state.store import AsyncStore, Hash

SLOT_MS: Final = 5_000
SLOTS_KEPT_MS: Final = 900_000
SETTLES_MS: Final = 1_000  # until every API process has a new share
DAY_MS: Final = 86_400_000
GROUPS: Final = 16
BUCKETS_A_DOUBLING: Final = 16
LAST_BUCKET: Final = 352
ENDS: Final = (WorkflowStatus.SUCCEEDED, WorkflowStatus.DEGRADED, WorkflowStatus.FAILED)
_SETTLED_MS: Final = 90_000  # older slots change seldom
_READ_AGAIN_MS: Final = 30_000


def upper_ms(bucket: int) -> float:
    """The longest time in `bucket`."""
    return math.inf if bucket >= LAST_BUCKET else float(2 ** (bucket / BUCKETS_A_DOUBLING))


def group_of(session_id: str, workflow_id: str) -> int:
    """The group of a session, or of a question without one; it says nothing about the path they take."""
    digest = blake2b((session_id or workflow_id).encode(errors="replace"), digest_size=1, person=b"group")
    return digest.digest()[0] % GROUPS


@dataclass(frozen=True, slots=True)
class Side:
    """Questions of one path that began within some time: how many (without the excused), and what they came to.

    `times` has those that were answered, by bucket. The rest are still open. `groups` are the same questions by group
    of sessions; empty where nobody asks for them.
    """

    asked: int = 0
    failed: int = 0
    degraded: int = 0
    times: Mapping[int, int] = field(default_factory=dict)
    groups: Mapping[int, "Side"] = field(default_factory=dict)

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
        if left <= 0:
            return None
        for bucket in sorted(self.times):
            left -= self.times[bucket]
            if left <= 0:
                return bucket
        return None


@dataclass(frozen=True, slots=True)
class Slot:
    """Both sides' questions that began within `SLOT_MS` from `at_ms`, or within the time that is spoken of."""

    at_ms: int
    sides: Mapping[Path, Side]


def summed(sides: Iterable[Side]) -> Side:
    """All of them together, without their groups."""
    asked = failed = degraded = 0
    times: Counter[int] = Counter()
    for side in sides:
        asked, failed, degraded = asked + side.asked, failed + side.failed, degraded + side.degraded
        times.update(side.times)
    return Side(asked, failed, degraded, times)


def less(side: Side, sides: list[Side]) -> Side:
    """What is left of a side without some of it, its groups too; below nothing where those were read later."""
    gone = summed(sides)
    times = Counter(side.times)
    times.subtract(gone.times)
    groups = {
        group: less(part, [one.groups[group] for one in sides if group in one.groups])
        for group, part in side.groups.items()
    }
    return Side(side.asked - gone.asked, side.failed - gone.failed, side.degraded - gone.degraded, times, groups)


@dataclass(frozen=True, slots=True)
class Seen:
    """The slots of the last fifteen minutes, oldest first, and `stage`: all since the share changed, or of the last
    of the days that have begun since then.
    """

    now_ms: int
    slots: list[Slot]
    stage: Slot


def first_slot_ms(since_ms: int) -> int:
    """The first slot of a share: earlier ones hold questions that were shared out otherwise."""
    return -(-(since_ms + SETTLES_MS) // SLOT_MS) * SLOT_MS if since_ms else 0


class SlotReader:
    """Reads them again and again; what changes seldom is remembered for half a minute."""

    def __init__(self, store: AsyncStore) -> None:
        self._store = store
        self._known: dict[int, tuple[int, Slot]] = {}

    async def read(self, since_ms: int) -> Seen:
        """As of now, by the server's clock, of a share that holds since then; raises `StoreUnavailable`."""
        (clock,) = await self._store.read(lambda pipe: (pipe.time(),))
        now_ms = clock[0] * 1000 + clock[1] // 1000
        newest = now_ms - now_ms % SLOT_MS
        wanted = range(newest - SLOTS_KEPT_MS + SLOT_MS, newest + SLOT_MS, SLOT_MS)
        again = [at for at in wanted if at not in self._known or self._may_differ(at, now_ms)]
        day = max(0, newest - since_ms) // DAY_MS if since_ms else 0
        found_keys = [_since_key(since_ms, day), *map(_key, again)]
        stage, *hashes = await self._store.read(lambda pipe: [pipe.hgetall(key) for key in found_keys])
        for at, found in zip(again, hashes, strict=True):
            self._known[at] = (now_ms, slot_of(at, found))
        self._known = {at: self._known[at] for at in wanted}
        slots = [self._known[at][1] for at in wanted]
        return Seen(now_ms, slots, slot_of(_first_of_day(since_ms, day), stage))

    def _may_differ(self, at_ms: int, now_ms: int) -> bool:
        return now_ms - at_ms < _SETTLED_MS or now_ms - self._known[at_ms][0] > _READ_AGAIN_MS


def _first_of_day(since_ms: int, day: int) -> int:
    return max(first_slot_ms(since_ms), -(-(since_ms + day * DAY_MS) // SLOT_MS) * SLOT_MS)


def _key(at_ms: int) -> str:
    return f"baton:rollout:asked:{at_ms // 1000}"


def _since_key(since_ms: int, day: int) -> str:
    return f"baton:rollout:since:{since_ms}:{day}"


class _Counts:
    """A side, or a group of it, while it is read."""

    def __init__(self) -> None:
        self.by_name: Counter[str] = Counter()
        self.times: Counter[int] = Counter()

    def add(self, what: str, bucket: list[str], number: int) -> None:
        self.by_name[what] += number
        if bucket:
            self.times[int(bucket[0])] += number

    def side(self, groups: Mapping[int, Side]) -> Side:
        asked = max(0, self.by_name["begun"] - self.by_name["excused"])
        return Side(asked, self.by_name["FAILED"], self.by_name["DEGRADED"], self.times, groups)


def slot_of(at_ms: int, found: Hash) -> Slot:
    """The slot in a hash."""
    sides = {path: (_Counts(), dict[int, _Counts]()) for path in Path}
    for name, value in found.items():
        path, what, *bucket, group = name.decode().split("|")
        whole, parts = sides[Path(path)]
        for counts in (whole, parts.setdefault(int(group), _Counts())):
            counts.add(what, bucket, int(value))
    return Slot(at_ms, {
        path: whole.side({group: part.side({}) for group, part in parts.items()})
        for path, (whole, parts) in sides.items()
    })
