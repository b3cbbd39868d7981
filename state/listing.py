"""Lists of workflows: pages over the indexes, newest first, filtered by status and time of creation.

A page begins after a place (`Cursor`), not after a count, so what is added or removed meanwhile moves nothing. One list
reads one index or several: each read of them is one transaction, in which a workflow has exactly one status. A list is
a generator of reads, so that `Store` and `AsyncStore` run the same one.
"""

import base64
import json
import re
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from state import keys
from state.errors import BadCursor
from state.model import Mode, WorkflowStatus

MOST: Final = 200
# Members whose record has expired are skipped. After so many the page reads no further; its `next` leads on.
ENOUGH_LOOKED_AT: Final = 1_000
_CURSOR: Final = re.compile(r"[A-Za-z0-9_-]{32}")
_LATEST_MS: Final = 10**14  # the year 5138
_FIELDS: Final = ("status", "mode", "created_ms", "finished_ms")


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
    """What to list, `after` the place where the last page ended; no `statuses` are all, `to_ms` itself is excluded."""

    limit: int = 50
    after: Cursor | None = None
    statuses: frozenset[WorkflowStatus] = frozenset()
    from_ms: int | None = None
    to_ms: int | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.limit <= MOST:
            raise ValueError(f"limit is {self.limit}, must be 1 to {MOST}")

    @property
    def indexes(self) -> list[str]:
        """The keys in which what is listed stands, each workflow in one of them."""
        return [keys.by_status(status) for status in sorted(self.statuses)] or [keys.BY_TIME]


@dataclass(frozen=True, slots=True)
class Summary:
    """One workflow in a list."""

    workflow_id: str
    query: str
    status: WorkflowStatus
    mode: Mode
    created_ms: int
    finished_ms: int | None


@dataclass(frozen=True, slots=True)
class Page:
    """Newest first; `next` is None at the end of the list."""

    workflows: list[Summary] = field(default_factory=list)
    next: Cursor | None = None


@dataclass(frozen=True, slots=True)
class Read:
    """One round trip: `queue` puts commands into a pipeline; `atomic` makes that a transaction. Its answer: a list."""

    queue: Callable[[Any], None]
    atomic: bool = False


Reading = Generator[Read, list[Any], Page]


def read_page(wanted: Listing) -> Reading:
    """The page's reads: two of them unless records have expired, or very many workflows were created at one moment."""
    found: list[Summary] = []
    place, more, looked_at, count = wanted.after, True, 0, wanted.limit + 1
    while more and len(found) <= wanted.limit and looked_at < ENOUGH_LOOKED_AT:
        members, more = _next_members((yield _members(wanted, place, count)), place, count)
        if members:  # else all that was read stands before the place
            found += _summaries(members, (yield _records(members)), wanted.statuses)
            place, looked_at = members[-1], looked_at + len(members)
        count *= 2
    if len(found) > wanted.limit:
        found = found[: wanted.limit]
        return Page(found, Cursor(found[-1].created_ms, found[-1].workflow_id))
    return Page(found, place if more else None)


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


def _records(members: Sequence[Cursor]) -> Read:
    def queue(pipe: Any) -> None:
        for one in members:
            pipe.hmget(keys.record(one.workflow_id), _FIELDS)
            _queue_question(pipe, one.workflow_id)

    return Read(queue)


def _queue_question(pipe: Any, workflow_id: str) -> None:
    """Where the question stands, as `_question` reads it."""
    pipe.hget(keys.outputs(workflow_id), "")


def _question(raw: bytes) -> str:
    return str(json.loads(raw)["query"])


def _summaries(
    members: Sequence[Cursor], answers: Sequence[Any], statuses: frozenset[WorkflowStatus]
) -> list[Summary]:
    """Of those that still are there, and still have a status that was asked for."""
    found = [
        Summary(
            one.workflow_id,
            _question(question),
            WorkflowStatus(status.decode()),
            Mode(mode.decode()),
            one.created_ms,
            int(float(finished_ms)) if finished_ms else None,
        )
        for one, (status, mode, created_ms, finished_ms), question in zip(
            members, answers[::2], answers[1::2], strict=True
        )
        if created_ms is not None and question is not None
    ]
    return [summary for summary in found if not statuses or summary.status in statuses]
