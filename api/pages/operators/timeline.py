"""What happened over time, as the dashboard shows it: charts, what they say in words, and the figures in a table."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from api.pages.operators.charts import latency, throughput
from state.timeline import NOTHING, Slot


@dataclass(frozen=True, slots=True)
class Chart:
    """One chart; `alt` says in words what it shows."""

    name: str
    title: str
    alt: str
    spec: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Timeline:
    """The slots in which something was counted, newest first, and the agents that answered in any of them."""

    slots: list[Slot]
    agents: list[str]


def charts_of(slots: Sequence[Slot], unit: str) -> list[Chart]:
    """Throughput and times; `unit` is "minute" or "hour"."""
    return [
        Chart("throughput", "Throughput by outcome", _ended(slots, unit), throughput(slots, unit)),
        Chart("latency", "Time of answers by agent", _answered(slots), latency(slots, unit)),
    ]


def table_of(slots: Sequence[Slot]) -> Timeline:
    """The same figures."""
    told = [slot for slot in reversed(slots) if slot.counted != NOTHING]
    return Timeline(told, sorted({agent for slot in told for agent in slot.counted.p99_ms}))


def _ended(slots: Sequence[Slot], unit: str) -> str:
    by_slot = [sum(slot.counted.ended.values()) for slot in slots]
    return f"{sum(by_slot):,} workflows ended, at most {max(by_slot, default=0):,} in one {unit}."


def _answered(slots: Sequence[Slot]) -> str:
    found = [(ms, agent) for slot in slots for agent, ms in slot.counted.p99_ms.items()]
    if not found:
        return "No agent has answered in this window."
    slowest_ms, agent = max(found)
    return f"At its slowest, {agent}, 99 % of the answers came within {slowest_ms:,.0f} ms."
