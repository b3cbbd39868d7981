"""The agents' own log of calls against the history of a workflow: every call was begun, and none after a stop.

Agents and Valkey share a clock here.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from state.events import Event, EventKind

STOPS = frozenset({EventKind.PAUSED, EventKind.CANCEL_REQUESTED})
ON_ITS_WAY_S = 2.0  # a call begun just before a stop may still arrive


def uncalled_for(calls: Iterable[Mapping[str, Any]], events: Iterable[Event]) -> list[str]:
    """Calls of one workflow that no `begun` stands for, or that came long after a stop that followed it."""
    begun, stopped = _begun(events)
    found = []
    for call in calls:
        at_ms, key = call["at"] * 1000, (call["Idempotency-Key"].partition(":")[2], call["X-Attempt"])
        begins = [began_ms for began_ms in begun.get(key, []) if began_ms <= at_ms]
        if not begins:
            found.append(f"{key} was called, but had not begun")
        elif late := [stop for stop in stopped if begins[-1] <= stop < at_ms - ON_ITS_WAY_S * 1000]:
            found.append(f"{key} was called {at_ms - late[0]:.0f} ms after a stop")
    return found


def _begun(events: Iterable[Event]) -> tuple[dict[tuple[str, str], list[int]], list[int]]:
    """When each (step:round, attempt) began, and when the workflow was stopped."""
    begun: dict[tuple[str, str], list[int]] = {}
    stopped: list[int] = []
    round_ = "0"
    for event in events:
        if event.kind is EventKind.BEGUN:
            begun.setdefault((f"{event.step}:{round_}", event.data["attempt"]), []).append(event.at_ms)
        elif event.kind is EventKind.RESET:
            round_ = event.data["round"]
        elif event.kind in STOPS:
            stopped.append(event.at_ms)
    return begun, stopped
