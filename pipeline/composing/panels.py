"""The panels of a dashboard: charts that agents drew, made to fit a page, and lines of several parts in one."""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Final

from pipeline.composing.fit import channel, domain_of, sizes_of, units
from pipeline.composing.layers import Course, Spec, alt_of, course_of, layered, title_of, together
from pipeline.composing.part import Part

_ON_TOP_ONLY: Final = ("$schema", "config", "background", "padding", "autosize", "usermeta", "description")
_MIDNIGHT: Final = "T00:00:00"  # a day needs no time


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
        notes = [chart.title.removesuffix(_MIDNIGHT), *chart.chart_config.get("notes", [])]
        return [text for text in notes if isinstance(text, str) and text]


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
    sized = [(sizes, spec) for spec in specs for unit in units(spec) if sizes_of(spec) and (sizes := _sized(unit))]
    domains = [_domain(sizes, spec) for sizes, spec in sized]
    for sizes, _ in sized:
        domain = [min(low for low, _ in domains), max(high for _, high in domains)]
        sizes["scale"] = {**(sizes.get("scale") or {}), "domain": domain, "zero": False, "nice": True}


def _sized(unit: Spec) -> Spec:
    """The channel that shows the measure, in the specs of the bundled viz agent."""
    both = (channel(unit, "x"), channel(unit, "y"))
    return next((c for c in both if c.get("field") == "y" and c.get("type") == "quantitative"), {})


def _domain(sizes: Spec, spec: Spec) -> tuple[float, float]:
    given = domain_of(sizes)
    if given is not None:
        return given
    ends = [0.0] if (sizes.get("scale") or {}).get("zero", True) else []
    ends += sizes_of(spec)
    return min(ends), max(ends)
