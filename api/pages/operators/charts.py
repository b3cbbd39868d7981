"""The dashboard's charts as Vega-Lite."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from state.metrics import HOUR_MS, MINUTE_MS
from state.model import WorkflowStatus
from state.timeline import Slot

ANSWERS: Final = ("half", "99 %")
_HOURS_OF_ONE_FORM: Final = 48
_LENGTH_MS: Final = {"minute": MINUTE_MS, "hour": HOUR_MS}
_SCHEMA: Final = "https://vega.github.io/schema/vega-lite/v6.json"
# Readable on light and dark paper alike.
_GREY: Final = "#8a94a0"
_OUTCOMES: Final = {
    WorkflowStatus.SUCCEEDED: "#2a9d6a",
    WorkflowStatus.DEGRADED: "#d69a1e",
    WorkflowStatus.FAILED: "#d1453b",
    WorkflowStatus.CANCELLED: _GREY,
}


def throughput(slots: Sequence[Slot], unit: str) -> dict[str, Any]:
    """Workflows that ended, by outcome; `unit` is "minute" or "hour"."""
    rows = [
        {"at": slot.at_ms, "outcome": status, "ended": slot.counted.ended.get(status, 0)}
        for slot in slots
        for status in _OUTCOMES
    ]
    colour = {
        "field": "outcome",
        "title": None,
        "scale": {"domain": list(_OUTCOMES), "range": list(_OUTCOMES.values())},
        "legend": {"orient": "top", "columns": 2},
    }
    encoding = {
        "x": _time(slots, unit),
        "y": {"field": "ended", "type": "quantitative", "title": f"ended a {unit}", "axis": {"tickMinStep": 1}},
        "color": colour,
        "tooltip": [{"field": "outcome"}, {"field": "ended"}],
    }
    return _chart(rows, {"type": "bar"}, encoding)


def latency(slots: Sequence[Slot], unit: str) -> dict[str, Any]:
    """The times that half of each agent's answers, and 99 % of them, did not exceed."""
    rows = [
        {"at": slot.at_ms, "agent": agent, "answers": answers, "ms": round(ms, 1)}
        for slot in slots
        for answers, by_agent in zip(ANSWERS, (slot.counted.p50_ms, slot.counted.p99_ms), strict=True)
        for agent, ms in by_agent.items()
    ]
    dashed = {"domain": list(ANSWERS), "range": [[1, 0], [4, 3]]}
    drawn = {"orient": "top", "symbolType": "stroke", "symbolStrokeColor": _GREY, "symbolFillColor": "transparent"}
    encoding = {
        "x": _time(slots, unit),
        "y": {"field": "ms", "type": "quantitative", "title": "answered within, ms"},
        "color": {"field": "agent", "title": None, "legend": {"orient": "top"}},
        "strokeDash": {"field": "answers", "title": None, "scale": dashed, "legend": drawn},
        "tooltip": [{"field": "agent"}, {"field": "answers"}, {"field": "ms", "title": "ms"}],
    }
    return _chart(rows, {"type": "line", "point": True}, encoding)


def _time(slots: Sequence[Slot], unit: str) -> dict[str, Any]:
    kept = "yearmonthdatehoursminutes" if unit == "minute" else "yearmonthdatehours"
    many_days = len(slots) > _HOURS_OF_ONE_FORM and unit == "hour"
    axis = {"format": "%b %d, %H:%M" if many_days else "%H:%M", "labelOverlap": True, "grid": False}
    window = [_moment(slots[0].at_ms), _moment(slots[-1].at_ms + _LENGTH_MS[unit])]
    scale = {"domain": window}
    return {"field": "at", "type": "temporal", "timeUnit": kept, "title": None, "axis": axis, "scale": scale}


def _moment(at_ms: int) -> dict[str, Any]:
    """In parts: of a single number or text the interpreter that stands in for `eval` makes no date."""
    at = datetime.fromtimestamp(at_ms / 1000, UTC)
    return {
        "year": at.year,
        "month": at.month,
        "date": at.day,
        "hours": at.hour,
        "minutes": at.minute,
        "utc": True,
    }


def _chart(rows: list[dict[str, Any]], mark: dict[str, Any], encoding: dict[str, Any]) -> dict[str, Any]:
    return {
        "$schema": _SCHEMA,
        "width": 500,
        "height": 180,
        "data": {"values": rows},
        "mark": mark,
        "encoding": encoding,
    }
