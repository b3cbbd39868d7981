"""What happened to breakers: lines of the stream `baton:breaker-events`."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from breakers.model import CircuitState, Mode, Why

EVENTS_COUNTED: Final = 2_000  # more of them would take too long to read


@dataclass(frozen=True, slots=True)
class BreakerEvent:
    """One line; `id` is the stream's own (`<ms>-<n>`), `score` what it was just before."""

    id: str
    breaker: str
    why: Why
    before: CircuitState
    after: CircuitState
    generation: int
    score: float
    mode: Mode
    actor: str
    reason: str

    @property
    def at_ms(self) -> int:
        """When, by the server's clock."""
        return int(self.id.partition("-")[0])


def events_of(entries: Iterable[tuple[bytes, Mapping[bytes, bytes]]]) -> list[BreakerEvent]:
    """Entries of the stream as events."""
    return [_event(entry_id.decode(), {name.decode(): value.decode() for name, value in fields.items()})
            for entry_id, fields in entries]


def opens(fields: Mapping[bytes, bytes]) -> bool:
    """Whether an entry tells that its breaker opened."""
    return fields[b"to"] == b"OPEN" and fields[b"from"] != b"OPEN"


def _event(entry_id: str, fields: Mapping[str, str]) -> BreakerEvent:
    return BreakerEvent(
        entry_id, fields["breaker"], Why(fields["why"]), CircuitState(fields["from"]), CircuitState(fields["to"]),
        int(fields["generation"]), float(fields["score"]), Mode(fields["mode"]), fields["actor"], fields["reason"])
