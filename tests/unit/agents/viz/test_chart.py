import itertools
import json
import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from agents.contract import VizRequest
from agents.viz.chart import draw, wish_of
from agents.viz.points import MAX_BARS, MAX_POINTS
from agents.viz.render import svg_of

HOSTILE = [
    "<img src=x onerror=alert(1)>",
    "</script><script>alert(1)</script>",
    "{{7*7}}",
    "datum.y",
    "日本語 العربية 🚀",
    "\x00\u202e",
]


def _draw(columns, rows, **more):
    names = [c["name"] for c in columns]
    return draw(VizRequest(columns=columns, data=[dict(zip(names, row, strict=True)) for row in rows], **more))


def _column(name, kind, unit=None):
    return {"name": name, "type": kind, "unit": unit}


CARRIER, DELAY = _column("carrier", "string"), _column("avg_dep_delay", "number", "minutes")


def _values(result):
    return result.spec["data"]["values"]


def test_a_bar_chart_says_what_it_shows_and_starts_at_zero():
    result = _draw([CARRIER, DELAY], [("AA", 8.6), ("F9", 20.2), ("US", 3.8)])
    assert result.chart_type == "bar"
    assert result.title == "Average departure delay (minutes) by carrier"
    assert [p["x"] for p in _values(result)] == ["F9", "AA", "US"]
    assert result.spec["layer"][0]["encoding"]["x"]["scale"]["domain"][0] == 0
    assert result.alt_text == (
        "A bar chart: Average departure delay (minutes) by carrier. 3 values; highest F9 with 20.2, lowest US with 3.8."
    )
    assert result.chart_config["x"] == ["carrier"]
    assert result.spec["description"] == result.alt_text


def test_bars_the_query_has_sorted_upwards_stay_so():
    result = _draw([CARRIER, DELAY], [("US", 3.8), ("AA", 8.6), ("F9", 20.2)])
    assert [p["x"] for p in _values(result)] == ["US", "AA", "F9"]


def test_months_stand_in_their_order_and_by_name():
    result = _draw([_column("month", "integer"), _column("flight_count", "integer")], [(m, m) for m in (12, 2, 1, 10)])
    assert [p["x"] for p in _values(result)] == ["Jan", "Feb", "Oct", "Dec"]
    assert result.spec["encoding"]["y"]["scale"]["zero"] is True
    assert result.title == "Number of flights by month"


def test_weekdays_by_name_stand_in_the_order_of_the_week():
    result = _draw(
        [_column("weekday", "string"), _column("n", "integer")], [(d, 5) for d in ("Friday", "Monday", "Sunday")]
    )
    assert [p["x"] for p in _values(result)] == ["Monday", "Friday", "Sunday"]


def test_too_many_categories_are_cut_to_the_largest_and_it_says_so():
    result = _draw([CARRIER, DELAY], [(f"c{n}", n * 52 % 105 + 0.5) for n in range(105)])
    assert len(_values(result)) == MAX_BARS
    assert _values(result)[0]["y"] == 104.5
    assert result.chart_config["notes"] == ["Top 30 of 105 shown."]
    assert result.spec["title"]["subtitle"] == result.chart_config["notes"]
    assert "Top 30 of 105" in result.alt_text


def test_an_upward_order_keeps_its_first_categories():
    result = _draw([CARRIER, DELAY], [(f"c{n}", n + 0.5) for n in range(105)])
    assert [p["y"] for p in _values(result)] == [n + 0.5 for n in range(MAX_BARS)]
    assert result.chart_config["notes"] == ["First 30 of 105 shown."]


def test_ten_thousand_points_are_sampled_evenly_and_it_says_so():
    columns = [_column("distance", "number", "miles"), _column("air_time", "number", "minutes")]
    result = _draw(columns, [(n + 0.5, n / 8) for n in range(10_000)])
    assert result.chart_type == "scatter"
    assert len(_values(result)) == MAX_POINTS
    assert _values(result)[-1]["x"] == 9_998.5
    assert "An even sample of 5,000 of 10,000 points shown." in result.chart_config["notes"]


def test_a_long_time_series_is_averaged_and_it_says_so():
    moments = [f"2013-{1 + n // 720:02}-{1 + n % 720 // 24:02} {n % 24:02}:00:00" for n in range(8_640)]
    result = _draw(
        [_column("time_hour", "datetime"), _column("temp", "number")], [(t, float(i)) for i, t in enumerate(moments)]
    )
    assert result.chart_type == "line"
    assert len(_values(result)) == 4_320
    assert _values(result)[0]["y"] == 0.5
    assert "Each point is the average of 2 neighbouring values." in result.chart_config["notes"]


def test_ten_thousand_numbers_become_ranges_that_hold_them_all():
    result = _draw([_column("dep_delay", "integer", "minutes")], [(n % 311 - 20,) for n in range(10_000)])
    values = _values(result)
    assert result.title == "Distribution of departure delay (minutes)"
    assert sum(p["y"] for p in values) == 10_000
    assert all(a["x2"] == b["x"] for a, b in itertools.pairwise(values))
    assert values[0]["x"] <= -20
    assert values[-1]["x2"] > 290


def test_ranges_with_counts_are_drawn_as_given():
    result = _draw(
        [_column("dep_delay_bin", "integer", "minutes"), _column("num_flights", "integer")],
        [(20, 2), (0, 5), (10, None)],
    )
    assert _values(result) == [{"x": 0, "x2": 10, "y": 5}, {"x": 10, "x2": 20, "y": 0}, {"x": 20, "x2": 30, "y": 2}]
    assert result.title == "Distribution of departure delay (minutes)"


def test_nulls_are_left_out_and_it_says_so():
    result = _draw([CARRIER, DELAY], [("AA", None), ("F9", 20.2), (None, 3.5)])
    assert _values(result) == [{"x": "F9", "y": 20.2}, {"x": "(missing)", "y": 3.5}]
    assert result.chart_config["notes"] == ["1 row without a value left out."]


def test_measures_of_one_unit_stand_side_by_side():
    result = _draw(
        [CARRIER, DELAY, _column("avg_arr_delay", "number", "minutes")], [("AA", 8.6, 0.4), ("F9", 20.2, 21.9)]
    )
    assert result.chart_type == "grouped_bar"
    assert result.title == "Average departure delay and average arrival delay (minutes) by carrier"
    assert {p["series"] for p in _values(result)} == {"Average departure delay", "Average arrival delay"}


def test_more_series_than_colours_are_cut_to_the_largest():
    rows = [(f"2013-01-{d:02}", f"c{c:02}", c) for d in range(1, 10) for c in range(12)]
    result = _draw([_column("date", "date"), CARRIER, _column("flights", "integer")], rows)
    assert result.chart_type == "line"
    assert {p["series"] for p in _values(result)} == {f"c{c:02}" for c in range(4, 12)}
    assert "The 8 largest of 12 series shown." in result.chart_config["notes"]


def test_one_value_is_a_number_with_its_unit_in_words():
    result = _draw([_column("count", "integer", "flights")], [(336_776,)])
    assert result.chart_type == "number"
    assert result.alt_text == "Number of flights: 336,776."


def test_an_empty_result_is_a_table_that_says_so():
    result = _draw([CARRIER, DELAY], [], query="delay of nobody")
    assert (result.chart_type, result.spec, result.alt_text) == ("table", None, "An empty result: no rows.")
    assert "no rows" in result.reason


def test_hostile_text_stays_text():
    columns = [_column("<script>alert(1)</script>", "string"), _column("a.b['c']\\\"", "number", "</title>")]
    result = _draw(columns, [(text, 0.5 + i) for i, text in enumerate(HOSTILE)])
    svg = svg_of(result.spec).decode()
    assert result.chart_type == "bar"
    assert "<script" not in svg
    assert "<img" not in svg
    assert "&lt;img src=x onerror=alert(1)&gt;" in svg
    assert {p["x"] for p in _values(result)} == {*HOSTILE[:-1], "\ufffd\u202e"}


@pytest.mark.parametrize(
    "place",
    [
        {"visualization_config": {"chart_type": "table"}},
        {"query_context": {"visualization_hint": "table"}},
        {"query_context": {"query_intent": {"visualization_hint": "table"}}},
        {"intent": {"visualization_hint": "table"}},
        {"visualization_config": {"chart_type": "table"}, "intent": {"visualization_hint": "line"}},
        {"visualization_config": {"chart_type": None}, "intent": {"visualization_hint": "table"}},
    ],
)
def test_a_wish_is_found_wherever_the_contract_puts_it(place):
    assert wish_of(VizRequest(**place)) == "table"
    assert _draw([CARRIER, DELAY], [("AA", 8.6), ("F9", 20.2)], **place).chart_type == "table"


CELL = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8), st.dates().map(str), st.just({"a": [1]})
)


@given(
    st.integers(1, 4).flatmap(lambda width: st.lists(st.lists(CELL, min_size=width, max_size=width), max_size=30)),
    st.sampled_from(["", "bar", "line", "histogram", "scatter", "heatmap", "grouped_bar", "number"]),
)
@example([[None, 0], [None, None]], "histogram")
@example([[None, 0], ["2000-01-01", None]], "")
@example([[None, 0], ["2000-01-01", None]], "bar")
def test_any_rows_give_a_chart_that_is_plain_json(rows, wish):
    data = [{f"column_{at}": value for at, value in enumerate(row)} for row in rows]
    result = draw(VizRequest(data=data, visualization_config={"chart_type": wish}))
    assert result.reason
    assert result.alt_text
    assert (result.spec is None) == (result.chart_type == "table")
    json.dumps(result.spec, allow_nan=False)
    assert all(math.isfinite(p["y"]) for p in (_values(result) if result.spec else []) if p["y"] is not None)
