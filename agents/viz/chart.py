"""Rows in, a chart out: read the shape, decide, pick the points, build the spec. Pure, so it also serves in-process."""

import textwrap
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from agents.contract import VizRequest, VizResult
from agents.viz import marks, points, ranges
from agents.viz.alt_text import alt_text_of
from agents.viz.decision import ChartType, Decision, decide
from agents.viz.fit import Encoding
from agents.viz.labels import capitalised, with_unit
from agents.viz.marks import ranged
from agents.viz.points import Points
from agents.viz.shape import shape_of
from agents.viz.theme import CONFIG

TITLE_COLUMNS = 74


@dataclass(frozen=True)
class Drawing:
    """How one chart type is drawn: which points, and which marks for them."""

    pick: Callable[[Encoding], Points]
    build: Callable[[Points, Encoding], marks.Chart]


def _one(encoding: Encoding) -> Points:
    return Points([{"x": " · ".join(str(f.values[0]) for f in encoding.x), "y": encoding.y[0].values[0]}])


DRAWINGS = {
    ChartType.NUMBER: Drawing(_one, marks.number),
    ChartType.HISTOGRAM: Drawing(ranges.histogram, marks.histogram),
    ChartType.LINE: Drawing(points.lines, marks.line),
    ChartType.GROUPED_BAR: Drawing(points.groups, marks.grouped_bar),
    ChartType.HEATMAP: Drawing(points.cells, marks.heatmap),
    ChartType.BAR: Drawing(points.bars, marks.bar),
    ChartType.SCATTER: Drawing(points.scatter, marks.scatter),
}


def draw(request: VizRequest) -> VizResult:
    """The chart for a request's rows: `spec` is Vega-Lite with its data inside, None for a table."""
    intent = request.intent or request.query_context.get("query_intent") or {}
    shape = shape_of(
        request.columns,
        request.data,
        focus=str(intent.get("metric_type") or ""),
        level=str(intent.get("aggregation_level") or ""),
    )
    decision = decide(shape, wish_of(request))
    if decision.chart_type is not ChartType.TABLE:
        picked = DRAWINGS[decision.chart_type].pick(decision.encoding)
        if any(point["y"] is not None for point in picked.values):
            return _drawn(decision, picked)
        decision = replace(decision, reason="A table, because no row has both a value and a place for it in a chart.")
    return _table(request, decision)


def wish_of(request: VizRequest) -> str:
    """The chart type asked for: in the config, the query's context, or the intent's hint; empty when none was."""
    context = request.query_context
    nested = context.get("query_intent")
    places = (request.visualization_config, context, nested if isinstance(nested, dict) else {}, request.intent)
    named = (place.get(key) for place in places for key in ("chart_type", "visualization_hint"))
    return next((wish for wish in named if isinstance(wish, str) and wish not in ("", "auto", "unknown")), "")


def title_of(decision: Decision) -> str:
    """What the chart shows, in words: the aggregate, its unit, and by what."""
    return capitalised(_TITLES[decision.chart_type](decision.encoding))


def _measured(encoding: Encoding) -> str:
    labels, unit = [f.label for f in encoding.y], encoding.y[0].unit
    if len(labels) == 1:
        return encoding.y[0].title
    return with_unit(f"{', '.join(labels[:-1])} and {labels[-1]}", unit)


def _by(encoding: Encoding) -> str:
    groups = [*encoding.x, *([encoding.series] if encoding.series else [])]
    return f"{_measured(encoding)} by {' and '.join(f.label for f in groups)}"


def _number_title(encoding: Encoding) -> str:
    names = ", ".join(str(f.values[0]) for f in encoding.x)
    return f"{encoding.y[0].title}: {names}" if names else encoding.y[0].title


_TITLES: dict[ChartType, Callable[[Encoding], str]] = {
    ChartType.NUMBER: _number_title,
    ChartType.HISTOGRAM: lambda e: f"distribution of {ranged(e.x[0])}",
    ChartType.LINE: _by,
    ChartType.GROUPED_BAR: _by,
    ChartType.HEATMAP: _by,
    ChartType.BAR: _by,
    ChartType.SCATTER: lambda e: (
        f"{e.y[0].title} against {e.x[0].title}" + (f" by {e.series.label}" if e.series else "")
    ),
}


def _drawn(decision: Decision, picked: Points) -> VizResult:
    encoding, title = decision.encoding, title_of(decision)
    spec: dict[str, Any] = DRAWINGS[decision.chart_type].build(picked, encoding).to_dict()
    spec |= {"data": {"values": picked.values}, "config": CONFIG, "title": _title(title, picked.notes)}
    alt = alt_text_of(decision, picked, title)
    config = {
        "chart_type": str(decision.chart_type),
        "title": title,
        "reason": decision.reason,
        "alt_text": alt,
        "x": [f.name for f in encoding.x],
        "y": [f.name for f in encoding.y],
        "series": encoding.series.name if encoding.series else None,
        "notes": picked.notes,
    }
    return VizResult(
        chart_type=str(decision.chart_type),
        title=title,
        reason=decision.reason,
        spec={**spec, "description": alt},
        alt_text=alt,
        chart_config=config,
        chart_kind="vega-lite",
    )


def _title(title: str, notes: list[str]) -> dict[str, Any]:
    lines = textwrap.wrap(title, TITLE_COLUMNS, max_lines=3, placeholder=" …") or [title]
    return {"text": lines, **({"subtitle": notes} if notes else {})}


def _table(request: VizRequest, decision: Decision) -> VizResult:
    rows = len(request.data)
    title = capitalised(request.query.strip()) or "Result"
    alt = f"A table with {rows:,} {'row' if rows == 1 else 'rows'}." if rows else "An empty result: no rows."
    config: dict[str, Any] = {
        "chart_type": "table",
        "title": title,
        "reason": decision.reason,
        "alt_text": alt,
        "x": [],
        "y": [],
        "series": None,
        "notes": [],
    }
    return VizResult(chart_type="table", title=title, reason=decision.reason, alt_text=alt, chart_config=config)
