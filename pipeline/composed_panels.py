"""The panels of a dashboard: charts that agents drew, made to fit a page, and lines of several parts in one."""

from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Final

from agents.viz.labels import capitalised
from pipeline.composed_layers import DASHES, Course, Spec, alt_of, course_of, layered, title_of, together
from pipeline.composed_part import Part

_ON_TOP_ONLY: Final = ("$schema", "config", "background", "padding", "autosize", "usermeta", "description")
_LETTER_PX, _LONGEST_NAME_PX, _AXIS_PX = 6.6, 160, 62


@dataclass(frozen=True)
class Panel:
    """One chart of a dashboard with the parts it shows; without `spec` the parts have no chart, and `alt` says why."""

    parts: tuple[Part, ...]
    title: str
    alt: str
    spec: Spec | None = None

    @property
    def notes(self) -> list[str]:
        """What stands under the title: what the chart shows, and what was left out of it."""
        chart = self.parts[0].chart if len(self.parts) == 1 else None
        if chart is None:
            return []
        return [text for text in (chart.title, *chart.chart_config.get("notes", [])) if isinstance(text, str) and text]


def panels_of(parts: Sequence[Part]) -> list[Panel]:
    """One panel for each group of parts that fit over each other, in the order of their first parts."""
    courses = [course for part in parts if drawable(part) and (course := course_of(part)) is not None]
    groups = {id(group[0].part): group for group in together(courses) if len(group) > 1}
    within = {id(course.part) for group in groups.values() for course in group}
    found = []
    for part in parts:
        if id(part) in groups:
            found.append(_layered(groups[id(part)]))
        elif id(part) not in within:
            found.append(_single(part))
    return found


def drawable(part: Part) -> bool:
    """Whether its chart can stand in a dashboard: Vega-Lite without parameters, whose names may clash."""
    spec = part.chart.spec if part.chart is not None else None
    return spec is not None and "params" not in spec and ("mark" in spec or "layer" in spec)


def _layered(courses: Sequence[Course]) -> Panel:
    return Panel(tuple(course.part for course in courses), title_of(courses), alt_of(courses), layered(courses))


def _single(part: Part) -> Panel:
    if part.chart is None or part.chart.spec is None or not drawable(part):
        return Panel((part,), part.title, _why_not(part))
    spec = {key: value for key, value in deepcopy(part.chart.spec).items() if key not in _ON_TOP_ONLY}
    return Panel((part,), part.title, part.chart.alt_text or part.chart.title, _with_data(spec))


def _with_data(spec: Spec) -> Spec:
    """The data set a spec names, laid in: in a dashboard several charts may call theirs the same."""
    named = spec.pop("datasets", {})
    data = spec.get("data") or {}
    return {**spec, "data": {"values": named[data["name"]]}} if data.get("name") in named else spec


def _why_not(part: Part) -> str:
    if part.missing:
        return part.missing
    if part.data is None or not part.data.rows:
        return "There are no rows to draw."
    return (part.chart.alt_text or part.chart.reason if part.chart else "") or "No chart was drawn of these rows."


def fitted(spec: Spec, width: int, height: int) -> Spec:
    """The spec for a panel `width` wide, axes and their labels included."""
    names = max((_names_px(unit) for unit in _units(spec)), default=0.0)
    inner = round(width - (names or _AXIS_PX))
    for unit in _units(spec):
        _tell_apart(unit)
        _turn_names(unit, inner)
    size: Spec = {"width": inner} if not isinstance(spec.get("width"), dict) else {}
    if isinstance(spec.get("height"), int | float) or "height" not in spec:
        size["height"] = min(height, spec.get("height", height))
    return {**spec, **size}


def _units(spec: Spec) -> Iterator[Spec]:
    """The single views of a spec, through its layers."""
    if "layer" in spec:
        for layer in spec["layer"]:
            yield from _units(layer)
    elif "mark" in spec:
        yield spec


def _channel(unit: Spec, name: str) -> Spec:
    found = unit.get("encoding", {}).get(name)
    return found if isinstance(found, dict) else {}


def _names_px(unit: Spec) -> float:
    """The room that names beside lying bars take; 0 for other charts."""
    names = _channel(unit, "y").get("sort")
    if _channel(unit, "y").get("type") != "nominal" or not isinstance(names, list):
        return 0.0
    return min(_LONGEST_NAME_PX, _LETTER_PX * max((len(str(name)) for name in names), default=0)) + 14


def _turn_names(unit: Spec, width: int) -> None:
    """Names under upright bars stand aslant when they do not fit side by side."""
    channel = _channel(unit, "x")
    names = channel.get("sort")
    if channel.get("type") == "nominal" and isinstance(names, list) and isinstance(channel.get("axis"), dict):
        if sum(len(str(name)) + 2 for name in names) * _LETTER_PX > width:
            channel["axis"]["labelAngle"] = -45


def _tell_apart(unit: Spec) -> None:
    """Lines told apart by colour get dashes too; legends get no more columns than fit a panel."""
    colour = _channel(unit, "color")
    if isinstance(colour.get("legend"), dict):
        colour["legend"]["columns"] = min(2, colour["legend"].get("columns", 2))
    mark = unit["mark"]
    if (mark.get("type") if isinstance(mark, dict) else mark) != "line" or colour.get("type") != "nominal":
        return
    if isinstance(colour.get("legend"), dict):
        colour["legend"].pop("symbolType", None)
    unit["encoding"].setdefault("strokeDash", {**colour, "scale": {"range": DASHES}})


def share_sizes(panels: Sequence[Panel]) -> None:
    """One scale for charts of one kind that show one measure in one unit, so that their sizes can be compared."""
    alike: dict[tuple[Any, ...], list[Spec]] = {}
    for panel in panels:
        chart, data = panel.parts[0].chart, panel.parts[0].data
        if panel.spec is None or len(panel.parts) > 1 or chart is None or data is None:
            continue
        drawn = chart.chart_config.get("y")
        unit = next((column.unit for column in data.columns if [column.name] == drawn), None)
        if isinstance(drawn, list) and len(drawn) == 1:
            alike.setdefault((chart.chart_type, drawn[0], unit), []).append(panel.spec)
    for specs in alike.values():
        if len(specs) > 1:
            _share(specs)


def _share(specs: Sequence[Spec]) -> None:
    sized = [(channel, spec) for spec in specs for unit in _units(spec) if (channel := _sized(unit))]
    domains = [_domain(channel, spec) for channel, spec in sized]
    for channel, _ in sized:
        domain = [min(low for low, _ in domains), max(high for _, high in domains)]
        channel["scale"] = {**channel.get("scale", {}), "domain": domain, "zero": False, "nice": True}


def _sized(unit: Spec) -> Spec:
    """The channel that shows the measure, in the specs of the bundled agent."""
    both = (_channel(unit, "x"), _channel(unit, "y"))
    return next((c for c in both if c.get("field") == "y" and c.get("type") == "quantitative"), {})


def _domain(channel: Spec, spec: Spec) -> tuple[float, float]:
    given = channel.get("scale", {}).get("domain")
    if given:
        return given[0], given[1]
    values = [point["y"] for point in spec["data"]["values"] if point["y"] is not None]
    return min(0, *values) if channel.get("scale", {}).get("zero", True) else min(values), max(0, *values)


def heading(panel: Panel) -> str:
    """The panel's title with a large first letter."""
    return capitalised(panel.title)
