"""A workflow's history from its end: what a person looks at first."""

from typing import Final, cast

from state import keys
from state.events import Event, EventKind
from state.model import StepStatus, WorkflowStatus
from state.store import AsyncStore

_READ_AT_ONCE: Final = 1_000
_TROUBLE: Final = frozenset({EventKind.RETRYING, EventKind.FAILED, EventKind.SKIPPED, EventKind.TAKEN_OVER})
_BAD_END: Final = frozenset({WorkflowStatus.FAILED.value, StepStatus.DEGRADED.value})


async def newest_events(
    store: AsyncStore, workflow_id: str, limit: int, *, before: str = "", failures: bool = False
) -> list[Event]:
    """Up to `limit` events, newest first, from the one before the stream id `before` on; with `failures` only those."""
    found: list[Event] = []
    while True:
        read = await _read(store, workflow_id, before, _READ_AT_ONCE if failures else limit)
        found += [event for event in read if not failures or is_failure(event)]
        if len(found) >= limit or len(read) < (_READ_AT_ONCE if failures else limit):
            return found[:limit]
        before = read[-1].event_id


def is_failure(event: Event) -> bool:
    """Whether something went wrong there."""
    return event.kind in _TROUBLE or event.status in _BAD_END


async def _read(store: AsyncStore, workflow_id: str, before: str, count: int) -> list[Event]:
    latest = f"({before}" if before else "+"
    (entries,) = await store.read(lambda pipe: pipe.xrevrange(keys.events(workflow_id), max=latest, count=count))
    return [
        Event.of_entry(entry_id, fields) for entry_id, fields in cast("list[tuple[bytes, dict[bytes, bytes]]]", entries)
    ]
