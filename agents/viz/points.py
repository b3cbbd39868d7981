"""What is drawn: the result's values under neutral names, in drawing order, cut to what a reader can take in.

A point is `{x, y}` with `series` where there is one; `x2` is the upper end of a range. Neutral names keep hostile
column names out of the spec. Whatever is left out is said in `notes`.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from statistics import fmean
from typing import Any

from agents.viz.fit import MAX_SERIES, Encoding
from agents.viz.labels import capitalised, words_of
from agents.viz.shape import MONTHS, Field, Role, calendar_of

MAX_POINTS = 5_000
MAX_BARS = 30
MAX_CELLS_A_SIDE = 40
Point = dict[str, Any]


@dataclass
class Points:
    """The points, the order of the names on the axis and of the series, and what was left out."""

    values: list[Point]
    names: list[str] = field(default_factory=list)
    series: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def bars(encoding: Encoding) -> Points:
    """One point per category: in their own order, or as sorted upwards, else by size; at most `MAX_BARS`."""
    points = Points(_filled(_zipped(encoding)))
    _say_missing(points, encoding)
    ordered = _ordered(encoding.x[0]) if len(encoding.x) == 1 else []
    if ordered:
        rank = {name: at for at, name in enumerate(ordered)}
        points.values.sort(key=lambda p: rank[p["x"]])
    upwards = [p["y"] for p in points.values] == sorted(p["y"] for p in points.values)
    if not ordered and not upwards:
        points.values.sort(key=lambda p: -p["y"])
    if len(points.values) > MAX_BARS:
        points.notes.append(f"{'First' if ordered or upwards else 'Top'} {MAX_BARS} of {len(points.values):,} shown.")
        del points.values[MAX_BARS:]
    points.names = [p["x"] for p in points.values]
    return points


def groups(encoding: Encoding, *, most: int = MAX_BARS) -> Points:
    """One point per category and series, both in their order or else by size, and at most `most` of each."""
    points = Points(_filled(_zipped(encoding)))
    _say_missing(points, encoding)
    points.names = _ranked(points.values, "x", _ordered(encoding.x[0]))
    points.series = _ranked(points.values, "series", _ordered(encoding.series) if encoding.series else [])
    for names, what in ((points.names, "categories"), (points.series, "groups")):
        if len(names) > most:
            points.notes.append(f"Top {most} of {len(names):,} {what} shown.")
            del names[most:]
    points.values = [p for p in points.values if p["x"] in points.names and p["series"] in points.series]
    return points


def cells(encoding: Encoding) -> Points:
    """Like `groups`, with room for more of each."""
    return groups(encoding, most=MAX_CELLS_A_SIDE)


def lines(encoding: Encoding) -> Points:
    """Points along the axis; the `MAX_SERIES` largest series; averaged when there are more than `MAX_POINTS`."""
    points = Points([p for p in _zipped(encoding) if p["x"] is not None])
    _say_missing(points, encoding)
    axis = encoding.x[0]
    points.names = [] if axis.role is Role.TIME else _ordered(axis)
    rank = {name: at for at, name in enumerate(points.names)}
    points.values.sort(key=lambda p: rank[p["x"]] if rank else p["x"])
    if any("series" in p for p in points.values):
        points.series = _ranked(_filled(points.values), "series", _ordered(encoding.series) if encoding.series else [])
    if len(points.series) > MAX_SERIES:
        points.notes.append(f"The {MAX_SERIES} largest of {len(points.series):,} series shown.")
        del points.series[MAX_SERIES:]
        points.values = [p for p in points.values if p["series"] in points.series]
    return _averaged(points)


def scatter(encoding: Encoding) -> Points:
    """Rows with both numbers; evenly sampled when there are more than `MAX_POINTS`."""
    rows = zip(encoding.x[0].values, encoding.y[0].values, _series(encoding), strict=True)
    points = Points([{"x": x, "y": y, "series": s} for x, y, s in rows if x is not None and y is not None])
    left_out = len(encoding.x[0].values) - len(points.values)
    if left_out:
        points.notes.append(f"{left_out:,} rows with a missing value left out.")
    if len(points.values) > MAX_POINTS:
        points.notes.append(f"An even sample of {MAX_POINTS:,} of {len(points.values):,} points shown.")
        step = len(points.values) / MAX_POINTS
        points.values = [points.values[int(at * step)] for at in range(MAX_POINTS)]
    if encoding.series:
        points.series = sorted({p["series"] for p in points.values})
    return points


def _zipped(encoding: Encoding) -> list[Point]:
    names = _names(encoding.x)
    if len(encoding.y) > 1:
        return [
            {"x": n, "y": v, "series": capitalised(f.label)}
            for f in encoding.y
            for n, v in zip(names, f.values, strict=True)
        ]
    values = encoding.y[0].values
    if encoding.series is None:
        return [{"x": n, "y": v} for n, v in zip(names, values, strict=True)]
    return [{"x": n, "y": v, "series": s} for n, v, s in zip(names, values, _names((encoding.series,)), strict=True)]


def _series(encoding: Encoding) -> list[str | None]:
    return list(_names((encoding.series,))) if encoding.series else [None] * len(encoding.x[0].values)


def _names(fields: tuple[Field, ...]) -> list[Any]:
    columns = [[_name(f, v) for v in f.values] for f in fields]
    return columns[0] if len(columns) == 1 else [" · ".join(map(str, parts)) for parts in zip(*columns, strict=True)]


def _name(of: Field, value: Any) -> Any:
    if of.role is Role.TIME:
        return value
    if words_of(of.name)[-1:] == ["month"] and isinstance(value, int) and 1 <= value <= 12:
        return MONTHS[value - 1][:3]
    return str(value)


def _ordered(of: Field) -> list[str]:
    """The names of an ordered column in their order; empty for a column without one."""
    present = set(of.values)
    if of.role is Role.TIME:
        return sorted(v for v in present if v is not None)
    if of.role is not Role.ORDINAL:
        return []
    calendar = calendar_of(present)
    rank = {name: at for at, name in enumerate(calendar)}

    def place(value: Any) -> tuple[bool, int, str]:
        return (
            isinstance(value, str) and value not in rank,
            value if isinstance(value, int) else rank.get(value, 0),
            str(value),
        )

    in_order = sorted(present, key=place)
    return list(dict.fromkeys(str(_name(of, v)) for v in in_order))


def _ranked(values: Iterable[Point], key: str, ordered: list[str]) -> list[str]:
    sizes: dict[str, float] = {}
    for point in values:
        sizes[point[key]] = sizes.get(point[key], 0) + abs(point["y"])
    return [n for n in ordered if n in sizes] or sorted(sizes, key=lambda name: -sizes[name])


def _filled(values: Iterable[Point]) -> list[Point]:
    return [p for p in values if p["y"] is not None and p["x"] is not None]


def _say_missing(points: Points, encoding: Encoding) -> None:
    missing = sum(v is None for f in encoding.y for v in f.values)
    if missing:
        points.notes.append(f"{missing:,} {'row' if missing == 1 else 'rows'} without a value left out.")


def _averaged(points: Points) -> Points:
    together = math.ceil(len(points.values) / MAX_POINTS)
    if together < 2:
        return points
    by_series: dict[Any, list[Point]] = {}
    for point in _filled(points.values):
        by_series.setdefault(point.get("series"), []).append(point)
    pieces = [of[at : at + together] for of in by_series.values() for at in range(0, len(of), together)]
    points.notes.append(f"Each point is the average of {together} neighbouring values.")
    points.values = [{**piece[0], "y": fmean(p["y"] for p in piece)} for piece in pieces]
    return points
