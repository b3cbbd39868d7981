"""The history of health: one line whenever beat finds that an agent's status has changed.

Redis key: `baton:health-changes`, stream `{agent, status, detail, version}`, no TTL, about the last `KEPT`. Writer:
beat's task (`tasks.health`). Reader: API.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from agents.health import Health, HealthStatus

KEY: Final = "baton:health-changes"
KEPT: Final = 1_000


@dataclass(frozen=True, slots=True)
class HealthChange:
    """From `at_ms` on the agent had this status."""

    agent: str
    status: HealthStatus
    detail: str
    version: str
    at_ms: int


def change_fields(health: Health) -> dict[Any, Any]:
    """The entry that tells of a status that is new."""
    return {"agent": health.agent, "status": health.status, "detail": health.detail, "version": health.version}


def changes_of(entries: Iterable[tuple[bytes, Mapping[bytes, bytes]]]) -> list[HealthChange]:
    """Entries of the stream."""
    return [
        HealthChange(
            agent=fields[b"agent"].decode(),
            status=HealthStatus(fields[b"status"].decode()),
            detail=fields[b"detail"].decode(),
            version=fields[b"version"].decode(),
            at_ms=int(entry_id.partition(b"-")[0]),
        )
        for entry_id, fields in entries
    ]
