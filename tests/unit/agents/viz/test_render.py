import struct

import pytest

from agents.contract import VizRequest
from agents.viz.chart import draw
from agents.viz.render import MAX_PIXELS, NotDrawable, png_of, svg_of

ROWS = [{"carrier": "AA", "avg_dep_delay": 8.6}, {"carrier": "F9", "avg_dep_delay": 20.2}]
BARS = draw(VizRequest(data=ROWS, columns=["carrier", "avg_dep_delay"])).spec or {}
POINT = {"mark": "point", "encoding": {"x": {"field": "a", "type": "quantitative"}}, "data": {"values": [{"a": 1}]}}


def _png_size(png):
    return struct.unpack(">II", png[16:24])


def test_a_png_is_a_png_with_a_picture_in_it():
    png = png_of(BARS)
    width, height = _png_size(png)
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    assert png.endswith(b"IEND\xaeB`\x82")
    assert width > 1_200
    assert height > 100
    assert len(png) > 5_000


def test_an_svg_holds_the_title_and_the_names():
    svg = svg_of(BARS).decode()
    assert svg.startswith("<svg")
    assert "Average departure delay by carrier" in svg
    assert "F9" in svg


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"data": {"url": "http://127.0.0.1:9/rows.json"}}, "url"),
        ({"data": {"url": "file:///etc/passwd"}}, "url"),
        ({"data": {"sequence": {"start": 0, "stop": 1e12}}}, "sequence"),
        ({"transform": [{"lookup": "a", "from": {"data": {"url": "x.csv"}, "key": "a"}}]}, "url"),
        ({"mark": {"type": "image", "url": "file:///etc/passwd"}}, "images|url"),
        ({"mark": "image"}, "images"),
        ({"layer": [{"mark": "image", "encoding": {"url": {"value": "x.png"}}}]}, "images|url"),
        ({"encoding": {"href": {"value": "http://127.0.0.1/"}}}, "href"),
        ({"width": 100_000}, "large"),
        ({"data": {"values": [{"a": "x" * 9_000_000}]}}, "too large"),
        ({"mark": "nonsense"}, "cannot be drawn"),
    ],
)
def test_a_spec_that_reaches_outside_or_too_far_is_refused(change, what):
    with pytest.raises(NotDrawable, match=what):
        svg_of({**POINT, **change})


def test_what_aborts_the_drawing_engine_is_an_error_not_the_end():
    with pytest.raises(NotDrawable, match="gave up"):
        svg_of({**POINT, "title": "\x00"})


def test_a_row_may_hold_a_column_called_url():
    assert svg_of({**POINT, "data": {"values": [{"a": 1, "url": "x"}]}})


def test_a_png_has_at_most_so_many_pixels():
    width, height = _png_size(png_of({**POINT, "width": 3_000, "height": 3_000}, scale=3))
    assert width * height <= MAX_PIXELS * 1.01
