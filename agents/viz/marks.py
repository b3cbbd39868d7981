"""One Altair builder per chart; the caller lays the data in, under the names of `agents.viz.points`."""

from typing import Any

import altair as alt

from agents.viz.figures import digits
from agents.viz.fit import Encoding
from agents.viz.labels import capitalised, with_unit, without_bin
from agents.viz.points import Points
from agents.viz.shape import Field, Role
from agents.viz.theme import BLUE, HEIGHT, INK, WIDTH

Chart = Any  # Altair gives its `encode` no return type


def number(points: Points, encoding: Encoding) -> Chart:
    """The value, large."""
    shown = _canvas(110).mark_text(fontSize=64, fontWeight=600, align="left", color=BLUE, baseline="middle")
    return shown.encode(
        x=alt.value(0), text=alt.Text("y:Q", format=number_format(points)), tooltip=_tips(points, encoding)
    )


def bar(points: Points, encoding: Encoding) -> Chart:
    """Upright in the order of an ordered axis, else lying with the names readable and the values at the ends."""
    if len(encoding.x) == 1 and encoding.x[0].role is not Role.CATEGORY:
        upright = _canvas(HEIGHT).mark_bar()
        return upright.encode(x=_names_axis(points, encoding), y=_size_axis(encoding), tooltip=_tips(points, encoding))
    base = _canvas(alt.Step(26))
    names = alt.Y("x:N", sort=points.names, title=None)
    sizes = alt.X("y:Q", title=capitalised(_measure(encoding)), scale=_roomy(points), axis=alt.Axis(tickCount=6))
    lying = base.mark_bar().encode(x=sizes, y=names, tooltip=_tips(points, encoding))
    return alt.layer(lying, *(_end_labels(base, points, sizes, names, negative=side) for side in _sides(points)))


def grouped_bar(points: Points, encoding: Encoding) -> Chart:
    """Bars side by side: upright for an ordered axis, lying otherwise."""
    colour = _colour(points, encoding)
    if encoding.x[0].role is not Role.CATEGORY:
        return (
            _canvas(HEIGHT)
            .mark_bar()
            .encode(
                x=_names_axis(points, encoding),
                xOffset=alt.XOffset("series:N", sort=points.series),
                y=_size_axis(encoding),
                color=colour,
                tooltip=_tips(points, encoding),
            )
        )
    sizes = alt.X("y:Q", title=capitalised(_measure(encoding)), scale=alt.Scale(zero=True), axis=alt.Axis(tickCount=6))
    return (
        _canvas(alt.Step(14))
        .mark_bar()
        .encode(
            x=sizes,
            y=alt.Y("x:N", sort=points.names, title=None),
            yOffset=alt.YOffset("series:N", sort=points.series),
            color=colour,
            tooltip=_tips(points, encoding),
        )
    )


def line(points: Points, encoding: Encoding) -> Chart:
    """A line per series; points are marked while they are few."""
    timed = encoding.x[0].role is Role.TIME
    x = alt.X("x:T", title=capitalised(encoding.x[0].title)) if timed else _names_axis(points, encoding)
    few = len(points.values) <= 60 * max(1, len(points.series))
    drawn = _canvas(HEIGHT).mark_line(point=few, strokeWidth=2)
    y = alt.Y(
        "y:Q",
        title=capitalised(_measure(encoding)),
        scale=alt.Scale(zero=_near_zero(points)),
        axis=alt.Axis(tickCount=6),
    )
    channels: dict[str, Any] = {"x": x, "y": y, "tooltip": _tips(points, encoding, timed=timed)}
    return drawn.encode(**channels, **({"color": _colour(points, encoding)} if points.series else {}))


def histogram(points: Points, encoding: Encoding) -> Chart:
    """Touching bars over ranges."""
    if points.names:
        return bar(points, encoding)
    title = capitalised(ranged(encoding.x[0]))
    tips = [
        alt.Tooltip("x:Q", title="From"),
        alt.Tooltip("x2:Q", title="To"),
        alt.Tooltip("y:Q", title="Count", format=","),
    ]
    return (
        _canvas(HEIGHT)
        .mark_bar(cornerRadiusEnd=0, stroke="white", strokeWidth=0.5)
        .encode(
            x=alt.X(
                "x:Q", title=title, scale=alt.Scale(zero=False, nice=False), bin="binned", axis=alt.Axis(tickCount=10)
            ),
            x2="x2:Q",
            y=_size_axis(encoding),
            tooltip=tips,
        )
    )


def scatter(points: Points, encoding: Encoding) -> Chart:
    """One translucent point per row."""
    opacity = 0.7 if len(points.values) < 500 else 0.3
    x, y = (capitalised(f.title) for f in (encoding.x[0], encoding.y[0]))
    drawn = _canvas(420).mark_circle(size=40, opacity=opacity)
    tips = [alt.Tooltip("x:Q", title=x), alt.Tooltip("y:Q", title=y)]
    series = {"color": _colour(points, encoding)} if encoding.series else {}
    return drawn.encode(
        x=alt.X("x:Q", title=x, scale=alt.Scale(zero=False)),
        y=alt.Y("y:Q", title=y, scale=alt.Scale(zero=False)),
        tooltip=tips,
        **series,
    )


def heatmap(points: Points, encoding: Encoding) -> Chart:
    """Shaded cells; a combination without a value stays blank."""
    rows_title = capitalised(encoding.series.label) if encoding.series else None
    return (
        _canvas(alt.Step(24))
        .mark_rect()
        .encode(
            x=_names_axis(points, encoding),
            y=alt.Y("series:N", sort=points.series, title=rows_title),
            color=alt.Color("y:Q", title=capitalised(_measure(encoding)), legend=alt.Legend(orient="bottom")),
            tooltip=_tips(points, encoding),
        )
    )


def number_format(points: Points) -> str:
    """A d3 format with as many digits as the size of the values deserves."""
    return f",.{digits(p['y'] for p in points.values if p['y'] is not None)}f"


def ranged(of: Field) -> str:
    """What was cut into ranges, with its unit."""
    return with_unit(without_bin(of.label), of.unit)


def _canvas(height: int | alt.Step) -> alt.Chart:
    """An empty chart; the name stands for the data that the caller lays in, and keeps layers on one data set."""
    return alt.Chart(alt.NamedData(name="points"), width=WIDTH, height=height)


def _measure(encoding: Encoding) -> str:
    if len(encoding.y) == 1:
        return encoding.y[0].title
    return encoding.y[0].unit or "value"


def _size_axis(encoding: Encoding) -> alt.Y:
    title = capitalised(_measure(encoding)) if encoding.y else "Count"
    return alt.Y("y:Q", title=title, scale=alt.Scale(zero=True), axis=alt.Axis(tickCount=6))


def _names_axis(points: Points, encoding: Encoding) -> alt.X:
    axis = alt.Axis(labelAngle=_angle(points.names), labelOverlap="parity", grid=False)
    return alt.X("x:N", sort=points.names, title=capitalised(encoding.x[0].label), axis=axis)


def _angle(names: list[str]) -> int:
    return 0 if sum(len(name) + 2 for name in names) * 7 < WIDTH else -45


def _colour(points: Points, encoding: Encoding) -> alt.Color:
    title = capitalised(encoding.series.label) if encoding.series else None
    return alt.Color(
        "series:N", sort=points.series, title=title, legend=alt.Legend(orient="top", columns=4, symbolType="square")
    )


def _near_zero(points: Points) -> bool:
    """A line may leave zero out, but only where zero is far from all values."""
    values = [p["y"] for p in points.values if p["y"] is not None]
    return bool(min(values) <= 0 or max(values) > 2 * min(values))


def _roomy(points: Points) -> alt.Scale:
    """From zero, with room for the figures at the ends of the bars."""
    values = [0, *(p["y"] for p in points.values)]
    low, high = min(values), max(values)
    room = 0.09 * (high - low) or 1
    return alt.Scale(domain=[low - room if low < 0 else 0, high + room if high > 0 else 0])


def _sides(points: Points) -> list[bool]:
    negatives = [p["y"] < 0 for p in points.values]
    return sorted(set(negatives))


def _end_labels(base: alt.Chart, points: Points, x: alt.X, y: alt.Y, *, negative: bool) -> Chart:
    side = base.transform_filter("datum.y < 0" if negative else "datum.y >= 0")
    drawn = side.mark_text(align="right" if negative else "left", dx=-5 if negative else 5, color=INK)
    return drawn.encode(x=x, y=y, text=alt.Text("y:Q", format=number_format(points)))


def _tips(points: Points, encoding: Encoding, *, timed: bool = False) -> list[alt.Tooltip]:
    tips = [alt.Tooltip("x:T" if timed else "x:N", title=capitalised(encoding.x[0].label))] if encoding.x else []
    if points.series:
        tips.append(alt.Tooltip("series:N", title=capitalised(encoding.series.label) if encoding.series else "Measure"))
    return [*tips, alt.Tooltip("y:Q", title=capitalised(_measure(encoding)), format=number_format(points))]
