"""All charts of a complex question as one Vega-Lite spec: over each other where their axes fit, else side by side."""

import textwrap
from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum
from typing import Any, Final

from agents.contract import VizResult
from agents.viz.labels import capitalised
from agents.viz.theme import CONFIG, HEIGHT, WIDTH
from pipeline.composing.fit import fitted
from pipeline.composing.layers import Spec
from pipeline.composing.panels import Panel, panels_of, share_sizes
from pipeline.composing.part import Part

_SCHEMA: Final = "https://vega.github.io/schema/vega-lite/v6.json"
_PANEL_WIDTH, _PANEL_HEIGHT, _SPACING = 405, 250, 36
_LETTERS_WIDE, _LETTERS_PANEL = 92, 46


class Layout(StrEnum):
    """How the charts stand on the page."""

    LAYERED = "layered"
    SIDE_BY_SIDE = "side_by_side"
    SINGLE = "single"
    ROWS = "rows"


_REASONS = {
    Layout.LAYERED: "All parts run along one axis in one unit, so their lines lie over each other.",
    Layout.SIDE_BY_SIDE: "The parts do not fit on one pair of axes, so their charts stand side by side.",
    Layout.SINGLE: "Only one part of the question has a chart.",
    Layout.ROWS: "No part of the question has a chart; the rows say it all.",
}


def dashboard_of(query: str, parts: Sequence[Part]) -> VizResult:
    """The dashboard; `spec` is None when no part has a chart."""
    panels = panels_of(parts)
    layout = _layout(panels)
    title = capitalised(" ".join(query.split()))
    alt = _alt_text(panels)
    config = {
        "chart_type": "dashboard",
        "title": title,
        "reason": _REASONS[layout],
        "alt_text": alt,
        "layout": layout.value,
        "panels": [{"title": p.title, "parts": [part.name for part in p.parts]} for p in panels],
    }
    drawn = layout is not Layout.ROWS
    return VizResult(
        chart_type="dashboard" if drawn else "table",
        title=title,
        reason=_REASONS[layout],
        spec={"$schema": _SCHEMA, "description": alt, **_drawn(title, panels)} if drawn else None,
        alt_text=alt,
        chart_config=config,
        chart_kind="vega-lite" if drawn else "none",
    )


def _layout(panels: Sequence[Panel]) -> Layout:
    drawn = [panel for panel in panels if panel.spec is not None]
    if len(drawn) > 1:
        return Layout.SIDE_BY_SIDE
    if not drawn:
        return Layout.ROWS
    return Layout.LAYERED if len(drawn[0].parts) > 1 else Layout.SINGLE


def _drawn(title: str, panels: Sequence[Panel]) -> Spec:
    if len(panels) == 1 and panels[0].spec is not None:
        only = {**panels[0].spec, "width": WIDTH, "height": HEIGHT}
        return {**only, "config": CONFIG, "title": _title(title, [panels[0].title], _LETTERS_WIDE - 20)}
    sized = [replace(p, spec=fitted(p.spec, _PANEL_WIDTH, _PANEL_HEIGHT)) if p.spec else p for p in panels]
    share_sizes(sized)
    resolve = {"scale": dict.fromkeys(("color", "shape", "strokeDash"), "independent")}
    axis = {**CONFIG["axis"], "labelLimit": 160}
    return {
        "concat": [_view(panel) for panel in sized],
        "columns": 2,
        "spacing": _SPACING,
        "resolve": resolve,
        "config": {**CONFIG, "axis": axis, "concat": {"spacing": _SPACING}},
        "title": {**_title(title, [], _LETTERS_WIDE), "fontSize": 18, "offset": 20},
    }


def _view(panel: Panel) -> Spec:
    if panel.spec is None:
        return _note(panel)
    title = {**_title(panel.title, panel.notes, _LETTERS_PANEL), "fontSize": 14}
    return {**panel.spec, "title": title}


def _note(panel: Panel) -> Spec:
    """A part without a chart, as text in its place."""
    lines = textwrap.wrap(panel.alt, _LETTERS_PANEL + 6, max_lines=6, placeholder=" …") or ["No chart."]
    mark = {"type": "text", "text": lines, "align": "left", "baseline": "top", "lineHeight": 17, "x": 0, "y": 0}
    size = {"width": _PANEL_WIDTH - 20, "height": 17 * len(lines)}
    title = {**_title(panel.title, [], _LETTERS_PANEL), "fontSize": 14}
    return {"data": {"values": [{}]}, "mark": mark, **size, "title": title}


def _title(text: str, notes: Sequence[str], letters: int) -> dict[str, Any]:
    lines = textwrap.wrap(text, letters, max_lines=3, placeholder=" …") or [text]
    below = [line for note in notes for line in textwrap.wrap(note, letters + 10, max_lines=2, placeholder=" …")]
    return {"text": lines, **({"subtitle": below} if below else {})}


def _alt_text(panels: Sequence[Panel]) -> str:
    said = [f"“{panel.title}”: {panel.alt}" for panel in panels]
    charts = sum(panel.spec is not None for panel in panels)
    head = f"A dashboard of {charts} {'chart' if charts == 1 else 'charts'}. " if len(panels) > 1 else ""
    return head + " ".join(text if text.endswith(".") else f"{text}." for text in said)
