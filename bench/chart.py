"""The chart of docs/benchmarks.md: four figures, a bar for each contender."""

from collections.abc import Iterable, Sequence
from typing import Any

import altair as alt
import vl_convert as vlc

from bench.outcome import Figures

INK, OURS, THEIRS = "#333333", "#0b6e4f", "#b8bec6"


def draw(found: Iterable[Figures]) -> bytes:
    """A PNG."""
    queued = [one for one in found if one.worker is not None]
    panels = [
        _panel("workflows a second (more is better)", [(one.title, one.workflows_per_s) for one in queued]),
        _panel("one alone, ms over three direct calls", [(one.title, one.over_direct_ms) for one in queued]),
        _panel("Valkey commands a workflow",
               [(one.title, one.commands.from_clients) for one in queued if one.commands]),
        _panel("in flight at 1 s agents (more is better)",
               [(one.title, float(one.in_flight)) for one in queued if one.in_flight is not None]),
    ]
    chart = alt.vconcat(*panels).configure_view(stroke=None)
    return bytes(vlc.vegalite_to_png(chart.to_json(), scale=2))


def _panel(title: str, bars: Sequence[tuple[str, float]]) -> Any:
    values = [{"who": who, "value": value, "ours": who.startswith("Baton")} for who, value in bars]
    axis = alt.Axis(domain=False, ticks=False, labelLimit=240)
    base = alt.Chart(alt.InlineData(values=values)).encode(
        y=alt.Y("who:N", sort=[who for who, _ in bars], title=None, axis=axis),
        x=alt.X("value:Q", title=None, axis=None),
    )
    shades = alt.condition("datum.ours", alt.value(OURS), alt.value(THEIRS))
    text = base.mark_text(align="left", dx=4, color=INK).encode(text=alt.Text("value:Q", format=".3~r"))
    return alt.layer(base.mark_bar(height=16).encode(color=shades), text).properties(
        title=alt.TitleParams(title, anchor="start"), width=460, height=len(bars) * 24)
