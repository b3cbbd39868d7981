"""The audit: what admins did, and what others were refused that only admins may do, each in a capped stream.

Two streams, so that nobody can push out what was done by being refused often enough.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from state.outage import as_unavailable
from state.store import AsyncStore


class Trail(StrEnum):
    """Which of the two streams."""

    DONE = "done"
    REFUSED = "refused"

    @property
    def key(self) -> str:
        """`baton:audit` (stream; no TTL; writers: the API, `state/lua/rollout.lua`; reader: the API), or
        `baton:audit:refused` (the same, without the script).
        """
        return "baton:audit" if self is Trail.DONE else "baton:audit:refused"


@dataclass(frozen=True, slots=True)
class Action:
    """Who did, or was refused, what. `key_id` is "local" where no keys are asked for, "" for nobody we know."""

    key_id: str
    action: str
    target: str
    status: int
    actor: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """An action, with its id in the stream and its moment by the server's clock."""

    entry_id: str
    at_ms: int
    action: Action


async def remember(store: AsyncStore, trail: Trail, action: Action, keep: int) -> None:
    """Append; about `keep` are kept. Raises `StoreUnavailable`."""
    fields: Any = asdict(action)
    with as_unavailable():
        await store.client.xadd(trail.key, fields, maxlen=keep)


async def newest(store: AsyncStore, trail: Trail, before: str, limit: int) -> list[Entry]:
    """Up to `limit` entries older than the entry `before` ("": than now), newest first."""
    if before and not before.strip("0-"):
        return []  # nothing is older than 0-0, and Valkey does not take it for a question
    with as_unavailable():
        found: Any = await store.client.xrevrange(trail.key, f"({before}" if before else "+", "-", count=limit)
    return [_entry(entry_id.decode(), fields) for entry_id, fields in found]


def _entry(entry_id: str, fields: Mapping[bytes, bytes]) -> Entry:
    text: dict[str, Any] = {name.decode(): value.decode() for name, value in fields.items()}
    return Entry(entry_id, int(entry_id.partition("-")[0]), Action(**{**text, "status": int(text["status"])}))
