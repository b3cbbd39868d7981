"""The charts of several parts as one Vega-Lite spec; how it looks is checked by eye, here only how it is built."""

from typing import Any

import altair
import pytest
import vl_convert
from composed_parts import (
    ARRIVAL,
    CARRIER,
    DELAY,
    FLIGHTS,
    HOUR,
    MONTH,
    MONTHS,
    TEMPERATURE,
    by_carrier,
    by_month,
    one,
    part,
    table,
)

from agents.contract import Column, VizResult
from pipeline.composing.compose import Part
from pipeline.composing.dashboard import Layout, dashboard_of

QUERY = "flights by month and  delays by carrier"


def spec_of(parts: list[Part]) -> dict[str, Any]:
    """The spec, checked against Vega-Lite's schema and drawn."""
    spec = dashboard_of(QUERY, parts).spec
    assert spec is not None
    altair.Chart.from_dict(spec)
    assert vl_convert.vegalite_to_svg(spec, allowed_base_urls=[]).startswith("<svg")
    return spec


def layout_of(parts: list[Part]) -> str:
    return str(dashboard_of(QUERY, parts).chart_config["layout"])


def domains(view: dict[str, Any]) -> list[Any]:
    units = view.get("layer", [view])
    both = [unit["encoding"].get(channel, {}) for unit in units for channel in ("x", "y")]
    return [channel["scale"]["domain"] for channel in both if channel.get("field") == "y"]


def test_charts_with_other_axes_stand_side_by_side() -> None:
    spec = spec_of([by_month("flights"), by_carrier("delay"), one("all", FLIGHTS, 7)])
    assert spec["columns"] == 2
    assert [view["title"]["text"] for view in spec["concat"]] == [["Flights"], ["Delay"], ["All"]]
    assert spec["title"]["text"] == ["Flights by month and delays by carrier"]
    assert all(view["width"] <= 405 and "config" not in view for view in spec["concat"])


def test_lines_on_one_axis_in_one_unit_lie_over_each_other() -> None:
    parts = [by_month("departure", DELAY, 5), by_month("arrival", ARRIVAL, 4)]
    spec = spec_of(parts)
    lines, marks = spec["layer"]
    assert layout_of(parts) == Layout.LAYERED
    assert lines["encoding"]["color"]["field"] == lines["encoding"]["strokeDash"]["field"] == "series"
    assert marks["encoding"]["shape"]["field"] == "series"
    assert {point["series"] for point in spec["data"]["values"]} == {
        "Average departure delay", "Average arrival delay",
    }  # fmt: skip


def test_lines_of_one_measure_are_named_by_their_parts_as_they_were_asked_for() -> None:
    spec = spec_of([by_month("jfk", question="flights from JFK"), by_month("lga", question="flights from LGA")])
    assert [point["series"] for point in spec["data"]["values"]] == ["JFK"] * 12 + ["LGA"] * 12


@pytest.mark.parametrize(
    "other",
    [by_month("temperature", TEMPERATURE), by_month("far", DELAY, 90_000), by_carrier("delay")],
    ids=["another unit", "another size", "another axis"],
)
def test_what_does_not_fit_on_the_axes_stands_beside(other: Part) -> None:
    assert layout_of([by_month("departure", DELAY, 5), other]) == Layout.SIDE_BY_SIDE


def test_some_parts_lie_over_each_other_beside_the_rest() -> None:
    spec = spec_of([by_month("departure", DELAY, 5), by_carrier("carriers"), by_month("arrival", ARRIVAL, 4)])
    over, beside = spec["concat"]
    assert len(over["layer"]) == 2
    assert beside["title"]["text"] == ["Carriers"]


def test_a_numbered_axis_keeps_its_numbers_and_loses_its_empty_ends() -> None:
    rows = [(1, None), (5, 1.5), (6, None), (7, 2.5), (23, None)]
    spec = spec_of([part("a", table(HOUR, DELAY, rows=rows)), part("b", table(HOUR, ARRIVAL, rows=rows))])
    assert [(p["x"], p["y"]) for p in spec["data"]["values"]][:3] == [(5, 1.5), (6, None), (7, 2.5)]
    assert spec["layer"][0]["encoding"]["x"]["type"] == "quantitative"


def test_one_measure_has_one_scale() -> None:
    spec = spec_of([by_carrier("small", base=1), by_carrier("large", base=50)])
    found = [domain for view in spec["concat"] for domain in domains(view)]
    assert len(found) == 4
    assert all(domain == found[0] for domain in found)
    assert found[0][1] > 52


def test_measures_in_other_units_keep_their_scales() -> None:
    spec = spec_of([by_carrier("delay"), by_carrier("temperature", TEMPERATURE, base=50)])
    first, second = (domains(view)[0] for view in spec["concat"])
    assert first != second


def test_series_are_told_apart_by_more_than_colour() -> None:
    rows = [(month, carrier, at + 0.5) for carrier in ("UA", "DL") for at, month in enumerate(MONTHS)]
    spec = spec_of([part("lines", table(MONTH, CARRIER, DELAY, rows=rows)), by_carrier("bars")])
    encoding = spec["concat"][0]["encoding"]
    assert encoding["strokeDash"]["field"] == encoding["color"]["field"]
    assert encoding["strokeDash"]["scale"]["domain"] == encoding["color"]["scale"]["domain"]


def test_many_bars_stay_on_the_page() -> None:
    bars = by_carrier("bars", carriers=" ".join(f"Carrier{at}" for at in range(30)))
    spec = spec_of([bars, *(by_month(f"part{at}", Column(name=f"n{at}", type="integer")) for at in range(7))])
    assert spec["concat"][0]["height"]["step"] * 30 <= 640


def test_a_part_without_a_chart_is_a_note() -> None:
    gone = Part(name="gone", question="delays by plane", missing="The data agent did not answer.")
    spec = spec_of([by_month("flights"), gone])
    note = spec["concat"][1]
    assert note["mark"]["text"] == ["The data agent did not answer."]
    assert note["title"]["text"] == ["Delays by plane"]
    assert layout_of([by_month("flights"), gone]) == Layout.SINGLE


def test_without_any_chart_the_rows_are_the_answer() -> None:
    plain = part("rows", table(CARRIER, rows=[("UA",), ("DL",)]))
    drawn = dashboard_of(QUERY, [plain, plain])
    assert (drawn.spec, drawn.chart_type, drawn.chart_kind) == (None, "table", "none")


def test_alt_text_tells_of_every_part() -> None:
    gone = Part(name="gone", question="delays by plane", missing="The data agent did not answer.")
    drawn = dashboard_of(QUERY, [by_month("flights"), by_carrier("delay"), gone])
    assert drawn.alt_text.startswith("A dashboard of 2 charts. “Flights”: A line chart:")
    assert "“Delays by plane”: The data agent did not answer." in drawn.alt_text
    assert drawn.spec is not None
    assert drawn.spec["description"] == drawn.alt_text


def test_the_spec_of_another_agent_keeps_its_named_data() -> None:
    foreign = {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "data": {"name": "data-1"},
        "datasets": {"data-1": [{"who": "UA", "y": 3}, {"who": "DL", "y": 4}]},
        "mark": "bar",
        "width": "container",
        "encoding": {"x": {"field": "who", "axis": None}, "y": {"field": "y", "type": "quantitative", "scale": None}},
    }
    chart = VizResult(chart_type="bar", title="Theirs", spec=foreign, chart_kind="vega-lite")
    mine = table(CARRIER, DELAY, rows=[("UA", 3), ("DL", 4)])
    spec = spec_of([part("theirs", mine, chart=chart), part("theirs_too", mine, chart=chart)])
    assert spec["concat"][0]["data"] == {"values": foreign["datasets"]["data-1"]}  # type: ignore[index]
    assert foreign["width"] == "container"  # the part's own chart is left as it was


def test_a_chart_that_cannot_stand_beside_others_is_a_note() -> None:
    chart = VizResult(spec={"params": [{"name": "pick", "select": "point"}], "mark": "bar"}, alt_text="Bars to pick.")
    spec = spec_of([by_month("flights"), part("picked", table(CARRIER, DELAY, rows=[("UA", 1.5)]), chart=chart)])
    assert spec["concat"][1]["mark"]["text"] == ["Bars to pick."]
