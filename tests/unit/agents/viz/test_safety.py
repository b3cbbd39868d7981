"""Which charts of others may be drawn: by the spec alone, before any engine sees it."""

from typing import Any

import pytest

from agents.contract import Column, VizRequest
from agents.viz.chart import draw
from agents.viz.safety import MAX_PARTS, UnsafeSpec, require_safe

POINT: dict[str, Any] = {"mark": "point", "encoding": {"x": {"field": "a", "type": "quantitative"}},
                         "data": {"values": [{"a": 1}]}}


@pytest.mark.parametrize(("change", "why"), [
    ({"data": {"url": "http://127.0.0.1:9/rows.json"}}, "uses 'url'"),
    ({"data": {"sequence": {"start": 0, "stop": 1e9}}}, "uses 'sequence'"),
    ({"transform": [{"impute": "a", "key": "b", "keyvals": {"stop": 1e9}}]}, "uses 'keyvals'"),
    ({"transform": [{"calculate": "length( sequence (0, 1e9))", "as": "b"}]}, "calls 'sequence'"),
    ({"transform": [{"filter": "pad('x', 1e9)"}]}, "calls 'pad'"),
    ({"params": [{"name": "p", "expr": "sequence(1e9)"}]}, "calls 'sequence'"),
    ({"transform": [{"density": "a", "steps": 1e9}]}, "asks for steps"),
    ({"encoding": {"x": {"field": "a", "bin": {"maxbins": 1e9}}}}, "asks for maxbins"),
    ({"encoding": {"x": {"field": "a", "axis": {"tickCount": 1e9}}}}, "asks for tickCount"),
    ({"transform": [{"calculate": "1", "as": "b"}] * 201}, "more than 200 transforms"),
    ({"layer": [{}] * MAX_PARTS}, "parts"),
    ({"mark": {"type": "image"}}, "images"),
    ({"encoding": {"href": {"value": "javascript:alert(1)"}}}, "uses 'href'"),
    ({"usermeta": {"embedOptions": {}}}, "uses 'usermeta'"),
    ({"description": "x" * 8_000_001}, "too large"),
])
def test_a_spec_that_reaches_outside_or_too_far_is_refused(change: dict[str, Any], why: str) -> None:
    with pytest.raises(UnsafeSpec, match=why):
        require_safe({**POINT, **change})


def test_rows_and_words_may_say_anything() -> None:
    row = {"url": "x", "href": "sequence(1)", "steps": 1e9}
    require_safe({**POINT, "data": {"values": [row] * 30_000}, "title": "A sequence (of flights)"})


def test_our_own_charts_are_safe() -> None:
    rows = [{"carrier": f"c{n}", "day": f"2013-01-{n % 28 + 1:02}", "delay": n * 1.5, "flights": n} for n in range(300)]
    shapes: list[list[Column | str]] = [["day", "delay"], ["delay", "flights"], ["carrier", "day", "delay"], ["delay"]]
    drawn = [draw(VizRequest(data=rows, columns=columns)).spec for columns in shapes]
    assert sum(spec is not None for spec in drawn) >= 3
    for spec in filter(None, drawn):
        require_safe(spec)
