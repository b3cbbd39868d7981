"""Lists of workflows: pages over the indexes, newest first, filtered.

Status and time of creation choose what is read of which index; the other filters (`Listing.searches`) are tested on
each workflow that is read.

A page begins after a place (`Cursor`), not after a count, so what is added or removed meanwhile moves nothing. One list
reads one index or several: each read of them is one transaction, in which a workflow has exactly one status. A list is
a generator of reads, so that `Store` and `AsyncStore` run the same one.
"""

import base64
import math
import re
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, NamedTuple

from state import keys
from state.errors import BadCursor
from state.model import WorkflowStatus
from state.summaries import Summary, queue_summaries, summaries_of

MOST: Final = 200
# Members whose record has expired are skipped. After so many the page reads no further; its `next` leads on.
ENOUGH_LOOKED_AT: Final = 1_000
# The same of a page that searches, and for how long it does, since a person waits for it: whichever comes first. One
# read takes no more than so many, since it holds up all others.
ENOUGH_SEARCHED: Final = 10_000
SEARCH_FOR_S: Final = 0.15
_READ_AT_MOST: Final = 500
_CURSOR: Final = re.compile(r"[A-Za-z0-9_-]{32}")
_LATEST_MS: Final = 10**14  # the year 5138
# In these no step can have failed.
_GOOD_ENDS: Final = frozenset({WorkflowStatus.SUCCEEDED, WorkflowStatus.DEGRADED})


class Cursor(NamedTuple):
    """A place in the order of all lists: by time of creation, and by id where that is equal, as the indexes have it."""

    created_ms: int
    workflow_id: str

    def __str__(self) -> str:
        """32 characters that need no escaping in a URL."""
        raw = self.created_ms.to_bytes(8, "big") + bytes.fromhex(self.workflow_id)
        return base64.urlsafe_b64encode(raw).decode()

    @classmethod
    def parse(cls, text: str) -> "Cursor":
        """What `str` made; raises `BadCursor` for anything else."""
        if not _CURSOR.fullmatch(text):
            raise BadCursor(text)
        raw = base64.urlsafe_b64decode(text)
        created_ms = int.from_bytes(raw[:8], "big")
        if created_ms > _LATEST_MS:
            raise BadCursor(text)
        return cls(created_ms, raw[8:].hex())


@dataclass(frozen=True, slots=True)
class Listing:
    """What to list, `after` the place where the last page ended.

    No `statuses` are all of them; `to_ms` itself is excluded. `failed_agent`: a step of this agent has failed.
    `min_duration_ms`: it has lasted at least so long, until its end or, without one, until now. `text`: in the
    question, in whatever case. `search_for_s`: after so long a page that searches is as full as it is.
    """

    limit: int = 50
    after: Cursor | None = None
    statuses: frozenset[WorkflowStatus] = frozenset()
    from_ms: int | None = None
    to_ms: int | None = None
    failed_agent: str = ""
    min_duration_ms: int = 0
    text: str = ""
    search_for_s: float = SEARCH_FOR_S

    def __post_init__(self) -> None:
        if not 1 <= self.limit <= MOST:
            raise ValueError(f"limit is {self.limit}, must be 1 to {MOST}")

    @property
    def indexes(self) -> list[str]:
        """The keys in which what is listed stands, each workflow in one of them."""
        if self.failed_agent:
            statuses = (self.statuses or frozenset(WorkflowStatus)) - _GOOD_ENDS
            return [keys.by_status(status) for status in sorted(statuses)]
        return [keys.by_status(status) for status in sorted(self.statuses)] or [keys.BY_TIME]

    @property
    def searches(self) -> bool:
        """Whether many may be read for few that are found."""
        return bool(self.failed_agent or self.min_duration_ms or self.text)

    def lists(self, one: Summary) -> bool:
        """Whether a workflow, as it is now, belongs into the list; its time, failed agent and text are known to fit."""
        lasted_ms = None if one.finished_ms is None else one.finished_ms - one.created_ms
        return (not self.statuses or one.status in self.statuses) and (
            lasted_ms is None or lasted_ms >= self.min_duration_ms
        )


@dataclass(frozen=True, slots=True)
class Page:
    """Newest first; `next` is None at the end of the list.

    `searched_until` is where a search stopped because it had looked at enough or long enough, and not because the page
    was full.
    """

    workflows: list[Summary] = field(default_factory=list)
    next: Cursor | None = None
    searched_until: Cursor | None = None


@dataclass(frozen=True, slots=True)
class Read:
    """One round trip: `queue` puts commands into a pipeline; `atomic` makes that a transaction. Its answer: a list."""

    queue: Callable[[Any], None]
    atomic: bool = False


Reading = Generator[Read, list[Any], Page]


def read_page(wanted: Listing) -> Reading:
    """The page's reads: two, or more if it searches, records have expired, or many were created at one moment."""
    if wanted.min_duration_ms:
        wanted = _old_enough(wanted, (yield Read(lambda pipe: pipe.time())))
    found: list[Summary] = []
    enough = ENOUGH_SEARCHED if wanted.searches else ENOUGH_LOOKED_AT
    place, more, looked_at, count = wanted.after, bool(wanted.indexes), 0, wanted.limit + 1
    ends_s = time.monotonic() + wanted.search_for_s if wanted.searches else math.inf
    # However slow it is, a page gets on: by one read at least.
    while more and len(found) <= wanted.limit and looked_at < enough and (not looked_at or time.monotonic() < ends_s):
        members, more = _next_members((yield _members(wanted, place, count)), place, count)
        if members:  # else all that was read stands before the place
            members, more = members[: enough - looked_at], more or len(members) > enough - looked_at
            ids = [one.workflow_id for one in members]
            (answer,) = yield _summaries(ids, wanted.failed_agent)
            found += filter(wanted.lists, summaries_of(ids, answer, wanted.text))
            place, looked_at = members[-1], looked_at + len(members)
        count = min(2 * count, _READ_AT_MOST) if members else 2 * count
    if len(found) > wanted.limit:
        found = found[: wanted.limit]
        return Page(found, Cursor(found[-1].created_ms, found[-1].workflow_id))
    return Page(found, place if more else None, place if more and wanted.searches else None)


def _old_enough(wanted: Listing, answer: list[Any]) -> Listing:
    """Narrowed to what was created long enough ago to have lasted so long, ended or not."""
    ((seconds, microseconds),) = answer
    latest_ms = seconds * 1000 + microseconds // 1000 - wanted.min_duration_ms
    return replace(wanted, to_ms=latest_ms + 1 if wanted.to_ms is None else min(wanted.to_ms, latest_ms + 1))


def advance(reading: Reading, answer: list[Any] | None = None) -> Read | Page:
    """The next read, given the answer to the last one, or the page."""
    try:
        return next(reading) if answer is None else reading.send(answer)
    except StopIteration as done:
        page: Page = done.value
        return page


def _members(wanted: Listing, place: Cursor | None, count: int) -> Read:
    """Up to `count` members of each index, newest first, from the place's moment on."""
    latest = "+inf" if wanted.to_ms is None else f"({wanted.to_ms}"
    if place is not None and (wanted.to_ms is None or place.created_ms < wanted.to_ms):
        latest = str(place.created_ms)
    earliest = "-inf" if wanted.from_ms is None else str(wanted.from_ms)

    def queue(pipe: Any) -> None:
        for key in wanted.indexes:
            pipe.zrange(key, latest, earliest, desc=True, byscore=True, offset=0, num=count, withscores=True)

    return Read(queue, atomic=True)


def _next_members(
    answers: Sequence[Sequence[tuple[bytes, float]]], place: Cursor | None, count: int
) -> tuple[list[Cursor], bool]:
    """Up to `count` members after the place, in the order of all indexes together, and whether there may be more."""
    parts = [[Cursor(int(score), member.decode()) for member, score in part] for part in answers]
    unfinished = [part[-1] for part in parts if len(part) == count]
    read_to = max(unfinished, default=None)
    members = sorted(
        (
            one
            for part in parts
            for one in part
            if (read_to is None or one >= read_to) and (place is None or one < place)
        ),
        reverse=True,
    )
    return members[:count], bool(unfinished) or len(members) > count


def _summaries(ids: Sequence[str], failed_agent: str) -> Read:
    return Read(lambda pipe: queue_summaries(pipe, ids, failed_agent))
