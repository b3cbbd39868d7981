"""What a chart shows, in words and with its main figures, for those who cannot see it."""

import re
from collections.abc import Callable
from statistics import StatisticsError, correlation

from agents.viz.decision import ChartType, Decision, named
from agents.viz.figures import written
from agents.viz.points import Point, Points

_MOMENT = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)")


def alt_text_of(decision: Decision, points: Points, title: str) -> str:
    """One to three sentences."""
    head = title if decision.chart_type is ChartType.NUMBER else f"{named(decision.chart_type)}: {title}"
    return " ".join([_MAIN_FIGURES[decision.chart_type](points, head), *points.notes])


def _number(points: Points, head: str) -> str:
    return f"{head}: {written(points.values[0]['y'])}."


def _extremes(points: Points, head: str) -> str:
    drawn = [p for p in points.values if p["y"] is not None]
    highest, lowest = max(drawn, key=_size), min(drawn, key=_size)
    return (
        f"{head}. {len(drawn):,} values; highest {_where(highest)} with {written(highest['y'])}, "
        f"lowest {_where(lowest)} with {written(lowest['y'])}."
    )


def _course(points: Points, head: str) -> str:
    if points.series:
        return f"{_extremes(points, head)} Lines: {', '.join(points.series)}."
    drawn = [p for p in points.values if p["y"] is not None]
    first, last = drawn[0], drawn[-1]
    return (
        f"{head}. From {written(first['y'])} ({_when(first)}) to {written(last['y'])} ({_when(last)}); "
        f"highest {_where(max(drawn, key=_size))} with {written(max(map(_size, drawn)))}, "
        f"lowest {_where(min(drawn, key=_size))} with {written(min(map(_size, drawn)))}."
    )


def _spread(points: Points, head: str) -> str:
    total, most = sum(p["y"] for p in points.values), max(points.values, key=_size)
    where = f"from {written(most['x'])} to {written(most['x2'])}" if "x2" in most else str(most["x"])
    return (
        f"{head}. {written(total)} values in {len(points.values)} ranges; "
        f"most ({written(most['y'])}) in the range {where}."
    )


def _together(points: Points, head: str) -> str:
    xs, ys = [p["x"] for p in points.values], [p["y"] for p in points.values]
    try:
        linked = f" Correlation {correlation(xs, ys):.2f}."
    except StatisticsError:  # all values of one axis are the same, or there is only one point
        linked = ""
    return (
        f"{head}. {len(xs):,} points; across from {written(min(xs))} to {written(max(xs))}, "
        f"up from {written(min(ys))} to {written(max(ys))}.{linked}"
    )


def _size(point: Point) -> float:
    return float(point["y"])


def _when(point: Point) -> str:
    moment = _MOMENT.fullmatch(str(point["x"]))
    return f"{moment[1]} {moment[2]}".removesuffix(" 00:00:00") if moment else str(point["x"])


def _where(point: Point) -> str:
    series = point.get("series")
    return f"{_when(point)}, {series}" if series is not None else _when(point)


_MAIN_FIGURES: dict[ChartType, Callable[[Points, str], str]] = {
    ChartType.NUMBER: _number,
    ChartType.BAR: _extremes,
    ChartType.GROUPED_BAR: _extremes,
    ChartType.HEATMAP: _extremes,
    ChartType.LINE: _course,
    ChartType.HISTOGRAM: _spread,
    ChartType.SCATTER: _together,
}
