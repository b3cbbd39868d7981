import math

import pytest

from agents.contract import Column
from agents.viz.shape import MISSING, Role, shape_of


def _only(column, values):
    return shape_of([column], [{column.name: v} for v in values]).fields[0]


@pytest.mark.parametrize(
    ("column", "values", "role"),
    [
        (Column(name="dep_delay", type="number"), [1.5, -2], Role.NUMBER),
        (Column(name="month", type="integer"), [1, 2], Role.ORDINAL),
        (Column(name="avg_month", type="number"), [1, 2], Role.NUMBER),
        (Column(name="flight", type="integer"), [1545, 1714], Role.CATEGORY),
        (Column(name="price", type="number"), ["12.50", "3"], Role.NUMBER),
        (Column(name="zip", type="string"), ["02134", "10001"], Role.CATEGORY),
        (Column(name="day", type="date"), ["2013-01-01"], Role.TIME),
        (Column(name="at", type="other"), ["2013-01-01 05:00:00"], Role.TIME),
        (Column(name="at", type="datetime"), ["2013-01-01T05:00:00Z", None], Role.TIME),
        (Column(name="month_name", type="string"), ["February", "January"], Role.ORDINAL),
        (Column(name="weekday", type="string"), ["Mon", "Sun"], Role.ORDINAL),
        (Column(name="late", type="boolean"), [True, False], Role.CATEGORY),
        (Column(name="nested"), [{"a": 1}], Role.CATEGORY),
        (Column(name="empty", type="number"), [None, None], Role.NUMBER),
    ],
)
def test_a_columns_role_comes_from_its_name_type_and_values(column, values, role):
    assert _only(column, values).role is role


def test_values_are_cleaned():
    assert _only(Column(name="x", type="number"), [1.5, math.nan, math.inf, None, "2"]).values == (
        1.5,
        None,
        None,
        None,
        2.0,
    )
    assert _only(Column(name="s", type="string"), ["a", None]).values == ("a", MISSING)
    assert _only(Column(name="b", type="boolean"), [True, False]).values == ("Yes", "No")
    assert _only(Column(name="d", type="date"), ["2013-01-01"]).values == ("2013-01-01T00:00:00",)
    assert _only(Column(name="d", type="datetime"), ["2013-01-01 05:06:07.5+01:00"]).values == ("2013-01-01T05:06:07",)


def test_columns_may_be_names_or_missing():
    rows = [{"carrier": "AA", "n": 3}]
    assert [f.role for f in shape_of(["carrier", "n"], rows).fields] == [Role.CATEGORY, Role.NUMBER]
    assert [f.name for f in shape_of([], rows).fields] == ["carrier", "n"]
    assert shape_of([], []).fields == ()


def test_a_column_called_name_is_named_after_the_level_of_the_question():
    shape = shape_of(["name"], [{"name": "JetBlue"}], level="carrier")
    assert shape.fields[0].label == "carrier"


def test_of_several_levels_it_is_the_one_that_has_no_column_of_its_own():
    rows = [{"month": "2013-01-01", "name": "JetBlue", "n": 1}]
    assert shape_of(["month", "name", "n"], rows, level="month, airlines").fields[1].label == "airline"
    assert shape_of(["name", "n"], rows, level="month, airlines").fields[0].label == "name"
