import pytest

from agents.contract import Column
from agents.viz.decision import ChartType, decide
from agents.viz.shape import shape_of

CARRIERS = ["AA", "B6", "DL", "EV", "UA", "US", "WN", "9E", "F9", "MQ", "VX", "HA"]
NAME, DELAY = Column(name="carrier", type="string"), Column(name="avg_dep_delay", type="number", unit="minutes")
MONTH, ORIGIN, COUNT = (
    Column(name="month", type="integer"),
    Column(name="origin", type="string"),
    Column(name="count", type="integer"),
)
DAY = Column(name="date", type="date")
ARRIVAL = Column(name="avg_arr_delay", type="number", unit="minutes")
RAW = Column(name="dep_delay", type="number", unit="minutes")
DISTANCE = Column(name="distance", type="number", unit="miles")


def _rows(columns, *rows):
    return [dict(zip([c.name for c in columns], row, strict=True)) for row in rows]


def _decide(columns, rows, wish=""):
    return decide(shape_of(columns, _rows(columns, *rows)), wish)


def _days(count):
    return [f"2013-01-{day:02}" for day in range(1, count + 1)]


GRID = [(carrier, hour, float(hour)) for carrier in CARRIERS for hour in range(5, 23)]
HOUR = Column(name="hour", type="integer")
TABLE = [
    ("one value", [COUNT], [(336_776,)], ChartType.NUMBER),
    ("one value with its name", [NAME, DELAY], [("F9", 20.2)], ChartType.NUMBER),
    ("a time series", [DAY, COUNT], [(d, 800) for d in _days(20)], ChartType.LINE),
    (
        "several time series",
        [DAY, ORIGIN, COUNT],
        [(d, o, 9) for d in _days(9) for o in ("JFK", "LGA")],
        ChartType.LINE,
    ),
    (
        "months by origin",
        [MONTH, ORIGIN, DELAY],
        [(m, o, 9.5) for m in range(1, 13) for o in ("JFK", "LGA")],
        ChartType.LINE,
    ),
    ("one value per category", [NAME, DELAY], [(c, 3.5) for c in CARRIERS], ChartType.BAR),
    ("one value per month", [MONTH, COUNT], [(m, 100) for m in range(1, 13)], ChartType.BAR),
    ("a code and its name", [NAME, ORIGIN, DELAY], [(c, f"name of {c}", 1.5) for c in CARRIERS], ChartType.BAR),
    ("a count beside the measure", [NAME, DELAY, COUNT], [(c, 1.5, 7) for c in CARRIERS], ChartType.BAR),
    ("two small categories", [NAME, ORIGIN, DELAY], [(c, o, 1.5) for c in "ABC" for o in "XY"], ChartType.GROUPED_BAR),
    ("two measures, one unit", [NAME, DELAY, ARRIVAL], [(c, 1.5, 2.5) for c in CARRIERS], ChartType.GROUPED_BAR),
    ("many cells", [NAME, HOUR, DELAY], GRID, ChartType.HEATMAP),
    ("many raw numbers", [RAW], [(float(n),) for n in range(100)], ChartType.HISTOGRAM),
    (
        "ranges with counts",
        [Column(name="delay_bin", type="integer"), COUNT],
        [(0, 5), (10, 7), (20, 2)],
        ChartType.HISTOGRAM,
    ),
    ("two numbers", [DISTANCE, RAW], [(n, n * 2.5) for n in range(1, 50)], ChartType.SCATTER),
    ("no rows", [NAME, DELAY], [], ChartType.TABLE),
    ("names only", [NAME, ORIGIN], [("AA", "JFK"), ("B6", "LGA")], ChartType.TABLE),
    ("one number too few", [RAW], [(1.0,), (2.0,)], ChartType.TABLE),
    ("only nulls", [NAME, DELAY], [("AA", None), ("B6", None)], ChartType.TABLE),
    ("a name that comes twice", [NAME, DELAY], [("AA", 1.5), ("AA", 2.5)], ChartType.TABLE),
]


@pytest.mark.parametrize(("columns", "rows", "expected"), [line[1:] for line in TABLE], ids=[line[0] for line in TABLE])
def test_each_shape_gets_its_chart(columns, rows, expected):
    decision = _decide(columns, rows)
    assert decision.chart_type is expected
    assert decision.reason.endswith(".")
    assert decision.reason.count(".") == 1


def test_every_chart_type_is_some_shapes_natural_choice():
    assert {line[3] for line in TABLE} == set(ChartType)


CATEGORY = ([NAME, DELAY], [(c, 3.5 + i) for i, c in enumerate(CARRIERS)])
SERIES = ([DAY, COUNT], [(d, 800) for d in _days(20)])


@pytest.mark.parametrize(
    ("result", "wish", "expected"),
    [
        (CATEGORY, "table", ChartType.TABLE),
        (SERIES, "bar", ChartType.BAR),
        (CATEGORY, "histogram", ChartType.HISTOGRAM),
        (([MONTH, COUNT], [(m, m) for m in range(1, 13)]), "Line Chart", ChartType.LINE),
        (([MONTH, COUNT], [(m, m) for m in range(1, 13)]), "trend", ChartType.LINE),
        (([NAME, ORIGIN, DELAY], [(c, o, 1.5) for c in "ABC" for o in "XY"]), "heatmap", ChartType.HEATMAP),
        (([NAME, DELAY, COUNT], [(c, 1.5, 7) for c in CARRIERS]), "scatter_plot", ChartType.SCATTER),
    ],
)
def test_a_wish_that_fits_wins(result, wish, expected):
    decision = _decide(*result, wish)
    assert decision.chart_type is expected
    assert "as asked for" in decision.reason


@pytest.mark.parametrize(
    ("result", "wish", "natural", "why"),
    [
        (CATEGORY, "line", ChartType.BAR, "ordered axis"),
        (CATEGORY, "scatter", ChartType.BAR, "two columns of numbers"),
        (CATEGORY, "number", ChartType.BAR, "not one single number"),
        (CATEGORY, "heatmap", ChartType.BAR, "two categories"),
        (CATEGORY, "grouped_bar", ChartType.BAR, "two categories"),
        (CATEGORY, "pie", ChartType.BAR, "does not draw"),
        (SERIES, "<script>alert(1)</script>", ChartType.LINE, "does not draw"),
        (([COUNT], [(1,)]), "bar", ChartType.NUMBER, "a category and a number"),
        (([NAME, DELAY], []), "bar", ChartType.TABLE, "a category and a number"),
    ],
)
def test_a_wish_that_does_not_fit_is_answered_with_the_reason(result, wish, natural, why):
    decision = _decide(*result, wish)
    assert decision.chart_type is natural
    assert why in decision.reason
    assert "<" not in decision.reason


@pytest.mark.parametrize("wish", ["", "auto", "unknown", "Auto"])
def test_no_wish_is_no_wish(wish):
    assert "asked for" not in _decide(*CATEGORY, wish).reason


def test_the_number_the_question_is_about_leads():
    columns = [NAME, COUNT, DELAY]
    rows = _rows(columns, *[(c, 7, 1.5) for c in CARRIERS])
    about_delay = decide(shape_of(columns, rows, focus="dep_delay"))
    assert [f.name for f in about_delay.encoding.y] == ["avg_dep_delay"]
    assert [f.name for f in decide(shape_of(columns, rows)).encoding.y] == ["count"]


def test_a_constant_column_does_not_change_the_chart():
    year = Column(name="year", type="integer")
    assert _decide([year, NAME, DELAY], [(2013, c, 1.5) for c in CARRIERS]).chart_type is ChartType.BAR


@pytest.mark.parametrize("wish", ["bar_chart", "grouped bar", ""])
def test_a_wish_for_bars_is_met_by_grouped_bars_where_they_are_natural(wish):
    two_measures = [NAME, DELAY, ARRIVAL], [(c, 1.5, 2.5) for c in CARRIERS]
    decision = _decide(*two_measures, wish)
    assert decision.chart_type is ChartType.GROUPED_BAR
    assert [f.name for f in decision.encoding.y] == ["avg_dep_delay", "avg_arr_delay"]
    assert "asked for" not in decision.reason


def test_more_groups_than_colours_are_not_put_side_by_side():
    decision = _decide([NAME, HOUR, DELAY], GRID, "grouped_bar")
    assert decision.chart_type is ChartType.HEATMAP
    assert "too many groups" in decision.reason
