"""A chart drawn for a page of its own made to fit a panel: narrower, with room for names, and dashes beside colours."""

from collections.abc import Iterator
from typing import Final

from pipeline.composing.layers import DASHES, Spec

_LETTER_PX, _LONGEST_NAME_PX, _AXIS_PX = 6.6, 160, 62
_SHORT_NAME: Final = 3
_ASLANT_PX: Final = 15  # room for one line of slanted text
_TALLEST_PX, _LEAST_STEP_PX = 640, 8


def fitted(spec: Spec, width: int, height: int) -> Spec:
    """The spec for a panel `width` wide, axes and their labels included; changes parts of `spec` in place."""
    names = max((_names_px(unit) for unit in units(spec)), default=0.0)
    inner = round(width - (names or _AXIS_PX))
    for unit in units(spec):
        _tell_apart(unit)
        _turn_names(unit, inner)
        _make_room(unit, spec, inner)
    return {**spec, "width": inner, "height": _height(spec, height)}


def units(spec: Spec) -> Iterator[Spec]:
    """The single views of a spec, through its layers."""
    if "layer" in spec:
        for layer in spec["layer"]:
            yield from units(layer)
    elif "mark" in spec:
        yield spec


def channel(unit: Spec, name: str) -> Spec:
    """The encoding channel of this name; empty when there is none."""
    found = unit.get("encoding", {}).get(name)
    return found if isinstance(found, dict) else {}


def domain_of(sizes: Spec) -> tuple[float, float] | None:
    """The bounds a channel's scale is given; None when they are left to Vega-Lite."""
    domain = (sizes.get("scale") or {}).get("domain")
    if not isinstance(domain, list) or [isinstance(end, int | float) for end in domain] != [True, True]:
        return None
    return domain[0], domain[1]


def sizes_of(spec: Spec) -> list[float]:
    """The measure's values in a spec of the bundled viz agent; empty for the spec of another."""
    points = (spec.get("data") or {}).get("values")
    found = [point.get("y") for point in points if isinstance(point, dict)] if isinstance(points, list) else []
    return [value for value in found if isinstance(value, int | float)]


def _names(unit: Spec, axis: str) -> list[str]:
    """The names on an axis of names in the order they are drawn; empty for other axes."""
    names = channel(unit, axis).get("sort")
    return [str(name) for name in names] if channel(unit, axis).get("type") == "nominal" and names else []


def _names_px(unit: Spec) -> float:
    """The room that names beside lying bars take; 0 for other charts."""
    longest = max(map(len, _names(unit, "y")), default=0)
    return min(_LONGEST_NAME_PX, _LETTER_PX * longest) + 14 if longest else 0.0


def _height(spec: Spec, height: int) -> int | Spec:
    """The panel's height; bars keep their thickness while they are not too many for a page."""
    own = spec.get("height", height)
    if isinstance(own, int | float):
        return min(height, round(own))
    if not isinstance(own, dict) or "step" not in own:
        return height
    bars = max(len(_names(unit, "y")) * max(1, len(_names(unit, "yOffset"))) for unit in units(spec)) or 1
    return {**own, "step": max(_LEAST_STEP_PX, min(own["step"], _TALLEST_PX // bars))}


def _turn_names(unit: Spec, width: int) -> None:
    """Names under upright bars stand aslant when they do not fit side by side, and then all of them if they can."""
    names, axis = _names(unit, "x"), channel(unit, "x").get("axis")
    if not isinstance(axis, dict) or max(map(len, names), default=0) <= _SHORT_NAME:
        return
    if sum(len(name) + 2 for name in names) * _LETTER_PX > width:
        axis["labelAngle"] = -45
        axis["labelOverlap"] = False if len(names) * _ASLANT_PX < width else "parity"


def _make_room(unit: Spec, spec: Spec, width: int) -> None:
    """Figures at the ends of lying bars take more of a narrow panel than of a page."""
    sizes, values = channel(unit, "x"), sizes_of(spec)
    domain = domain_of(sizes) if sizes.get("field") == "y" and values else None
    if domain:
        low, high = min(0.0, *values), max(0.0, *values)
        longest = max(len(f"{end:,.0f}") + 2 * (abs(end) < 1000) for end in (low, high))
        beyond = (high - low) * (_LETTER_PX * longest + 12) / width
        wide = [min(domain[0], low - beyond if low < 0 else 0), max(domain[1], high + beyond if high > 0 else 0)]
        sizes["scale"] = {**sizes["scale"], "domain": wide}


def _tell_apart(unit: Spec) -> None:
    """Lines told apart by colour get dashes too; legends get no more columns than fit a panel."""
    colour = channel(unit, "color")
    if isinstance(colour.get("legend"), dict):
        colour["legend"]["columns"] = min(2, colour["legend"].get("columns", 2))
    mark, names = unit["mark"], _names(unit, "color")
    line = (mark.get("type") if isinstance(mark, dict) else mark) == "line"
    if not line or not names or "scale" in colour:
        return
    del colour["sort"]  # a scale's domain says the order; only alike scales share one legend
    colour["legend"] = {"orient": "top", "columns": 2}
    dashes = {**colour, "scale": {"domain": names, "range": DASHES[: len(names)]}}
    unit["encoding"]["strokeDash"], colour["scale"] = dashes, {"domain": names}
