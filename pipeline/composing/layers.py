"""Parts along one axis in one unit, drawn over each other: lines told apart by colour, dash and shape of points."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final

from agents.viz.figures import digits, written
from agents.viz.fit import MAX_SERIES
from agents.viz.labels import capitalised, label_of, with_unit
from agents.viz.shape import Field, Role
from agents.viz.theme import SERIES
from pipeline.composing.part import Part, is_key

Spec = dict[str, Any]
DASHES: Final = [[1, 0], [7, 3], [2, 2], [9, 3, 2, 3], [12, 4], [4, 2, 1, 2], [1, 3], [14, 3, 2, 3, 2, 3]]
SHAPES: Final = [
    "circle",
    "square",
    "triangle-up",
    "diamond",
    "cross",
    "triangle-down",
    "triangle-right",
    "triangle-left",
]
_MOST_POINTS: Final = 60  # a line; beyond, marks of points hide it
_FARTHEST: Final = 20.0  # times as large: what is smaller would lie flat on the axis


@dataclass(frozen=True)
class Course:
    """A part's rows as one value along one axis of times or numbers."""

    part: Part
    axis: Field
    value: Field

    @property
    def largest(self) -> float:
        """The largest value, without its sign."""
        return max(abs(float(value)) for value in self.value.values if value is not None)

    def fits(self, other: "Course") -> bool:
        """Whether both can be read off one pair of axes."""
        axes = (self.axis.name, self.axis.role) == (other.axis.name, other.axis.role)
        small, large = sorted((self.largest, other.largest))
        return axes and measured(self.value) == measured(other.value) and small * _FARTHEST >= large


def measured(value: Field) -> tuple[str, str]:
    """What two measures must share to share an axis: the unit, else the name."""
    return (value.unit, "") if value.unit else ("", value.name)


def course_of(part: Part) -> Course | None:
    """The part as a course; None when its rows are of another shape."""
    fields = part.shape().fields
    axes, values = [f for f in fields if is_key(f)], [f for f in fields if not is_key(f)]
    if len(axes) != 1 or len(values) != 1 or axes[0].distinct < 2 or axes[0].distinct < len(axes[0].values):
        return None
    timed = axes[0].role is Role.TIME
    counted = axes[0].role is Role.ORDINAL and all(isinstance(value, int) for value in axes[0].values)
    if not (timed or counted) or all(value is None for value in values[0].values):
        return None
    return Course(part, axes[0], values[0])


def together(courses: Sequence[Course]) -> list[list[Course]]:
    """The courses grouped by what can be drawn over each other, in their order; at most `MAX_SERIES` a group."""
    groups: list[list[Course]] = []
    for course in courses:
        group = next((g for g in groups if len(g) < MAX_SERIES and all(course.fits(one) for one in g)), None)
        if group is None:
            groups.append([course])
        else:
            group.append(course)
    return groups


def layered(courses: Sequence[Course]) -> Spec:
    """The lines over each other, as Vega-Lite with its data inside."""
    names = _series_names(courses)
    points = [point for name, course in zip(names, courses, strict=True) for point in _points(name, course)]
    pointed = len(points) <= _MOST_POINTS * len(courses)
    x, y = _axis(courses[0]), _values(courses)
    digit = digits(point["y"] for point in points if point["y"] is not None)
    tips = [_tip(x), {"field": "series", "type": "nominal", "title": "Line"}, {**_tip(y), "format": f",.{digit}f"}]
    common = {"x": x, "y": y, "color": _told(names, SERIES), "tooltip": tips}
    dashes = {**_told(names, DASHES), **({"legend": None} if pointed else {})}
    lines = {"mark": {"type": "line", "strokeWidth": 2}, "encoding": {**common, "strokeDash": dashes}}
    marks = {
        "mark": {"type": "point", "filled": True, "size": 50, "opacity": 1},
        "encoding": {**common, "shape": _told(names, SHAPES)},
    }
    return {"data": {"values": points}, "layer": [lines, marks] if pointed else [lines]}


def _points(name: str, course: Course) -> list[Spec]:
    """The line's points in the axis' order, without what is not known at its ends."""
    pairs = [(x, y) for x, y in zip(course.axis.values, course.value.values, strict=True) if x is not None]
    pairs.sort(key=lambda pair: pair[0])
    known = [at for at, (_, y) in enumerate(pairs) if y is not None]
    return [{"x": x, "y": y, "series": name} for x, y in pairs[known[0] : known[-1] + 1]]


def title_of(courses: Sequence[Course]) -> str:
    """What the lines show together."""
    labels = list(dict.fromkeys(label_of(course.value.name, course.value.unit) for course in courses))
    shown = f"{', '.join(labels[:-1])} and {labels[-1]}" if len(labels) > 1 else labels[0]
    return capitalised(f"{with_unit(shown, courses[0].value.unit)} by {courses[0].axis.label}")


def alt_of(courses: Sequence[Course]) -> str:
    """The lines in words, with the range of each."""
    ranges = []
    for name, course in zip(_series_names(courses), courses, strict=True):
        known = [value for value in course.value.values if value is not None]
        ranges.append(f"{name} from {written(min(known))} to {written(max(known))}")
    return f"A line chart: {title_of(courses)}. {len(courses)} lines: {'; '.join(ranges)}."


def _series_names(courses: Sequence[Course]) -> list[str]:
    """The measures where they differ, else the parts' names."""
    measures = [capitalised(course.value.label) for course in courses]
    return measures if len(set(measures)) == len(courses) else [course.part.label for course in courses]


def _axis(course: Course) -> Spec:
    title = capitalised(course.axis.title)
    if course.axis.role is Role.TIME:
        return {"field": "x", "type": "temporal", "title": title}
    axis = {"format": "d", "tickMinStep": 1, "grid": False}
    return {"field": "x", "type": "quantitative", "title": title, "axis": axis, "scale": {"zero": False, "nice": False}}


def _values(courses: Sequence[Course]) -> Spec:
    values = [v for v in chain.from_iterable(course.value.values for course in courses) if v is not None]
    titles = list(dict.fromkeys(capitalised(course.value.title) for course in courses))
    title = titles[0] if len(titles) == 1 else capitalised(courses[0].value.unit or "value")
    scale = {"zero": min(values) <= 0 or max(values) > 2 * min(values)}
    return {"field": "y", "type": "quantitative", "title": title, "axis": {"tickCount": 6}, "scale": scale}


def _told(names: Sequence[str], looks: Sequence[Any]) -> Spec:
    """A look for each name; all channels say the same of it, so that Vega-Lite makes one legend of them."""
    scale = {"domain": list(names), "range": list(looks[: len(names)])}
    return {
        "field": "series",
        "type": "nominal",
        "title": None,
        "scale": scale,
        "legend": {"orient": "top", "columns": 4},
    }


def _tip(channel: Spec) -> Spec:
    return {name: channel[name] for name in ("field", "type", "title")}
