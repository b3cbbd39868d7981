import time

import pytest
import sqlglot
from sqlglot import exp

from agents.data.app import DataSet
from agents.data.relations import relations
from agents.data.units import ResultUnits


@pytest.fixture(scope="module")
def units(data_set: DataSet) -> ResultUnits:
    return ResultUnits(relations(data_set.source.connection), data_set.schema)


def of(units: ResultUnits, sql: str, width: int) -> list[str | None]:
    query = sqlglot.parse_one(sql, dialect="duckdb")
    assert isinstance(query, exp.Query)
    return units.of(query, width)


@pytest.mark.parametrize(
    ("item", "unit"),
    [
        ("dep_delay", "minutes"),
        ("DISTANCE", "miles"),
        ("avg(dep_delay)", "minutes"),
        ("min(air_time)", "minutes"),
        ("max(distance)", "miles"),
        ("sum(distance)", "miles"),
        ("median(arr_delay)", "minutes"),
        ("quantile_cont(arr_delay, 0.9)", "minutes"),
        ("stddev(arr_delay)", "minutes"),
        ("round(avg(dep_delay), 1)", "minutes"),
        ("avg(dep_delay) FILTER (WHERE origin = 'JFK')", "minutes"),
        ("sum(dep_delay) OVER (ORDER BY time_hour)", "minutes"),
        ("lag(dep_delay) OVER (ORDER BY time_hour)", "minutes"),
        ("arr_delay - dep_delay", "minutes"),
        ("coalesce(dep_delay, arr_delay)", "minutes"),
        ("dep_delay::DOUBLE", "minutes"),
        ("distance - air_time", None),
        ("distance / air_time", None),
        ("air_time * 2", None),
        ("air_time / 60", None),
        ("count(dep_delay)", None),
        ("variance(dep_delay)", None),
        ("carrier", None),
        ("month", None),
        ("1", None),
        ("CASE WHEN true THEN dep_delay ELSE distance END", None),
    ],
)
def test_a_unit_is_kept_as_long_as_it_holds(item: str, unit: str | None, units: ResultUnits):
    assert of(units, f"SELECT {item} FROM main.flights", 1) == [unit]  # noqa: S608


def test_units_come_through_joins_subqueries_and_expressions_with_names(units: ResultUnits):
    sql = """
        WITH late AS (SELECT carrier, avg(dep_delay) AS d, count(*) AS n FROM main.flights GROUP BY 1)
        SELECT a.name, x.d, x.n, w.t FROM late AS x JOIN main.airlines AS a USING (carrier),
        (SELECT max(temp) AS t FROM main.weather WHERE temp > 3) AS w WHERE x.d > 1
    """
    assert of(units, sql, 4) == [None, "minutes", None, "°F"]


def test_a_star_stands_for_its_columns(units: ResultUnits):
    assert of(units, "SELECT * FROM main.planes", 9)[7] == "mph"
    assert of(units, "SELECT p.*, f.distance FROM main.planes p JOIN main.flights f USING (tailnum)", 10)[-1] == "miles"


def test_both_sides_of_a_union_must_agree(units: ResultUnits):
    assert of(units, "SELECT dep_delay FROM main.flights UNION ALL SELECT arr_delay FROM main.flights", 1) == [
        "minutes"
    ]
    assert of(units, "SELECT dep_delay FROM main.flights UNION ALL SELECT distance FROM main.flights", 1) == [None]


def test_what_is_not_certain_has_no_unit(units: ResultUnits):
    assert of(units, "SELECT dep_delay, distance FROM main.flights", 3) == [None, None, None]
    assert of(units, "SELECT nope FROM main.flights", 1) == [None]
    recursive = "WITH RECURSIVE r AS (SELECT 1 AS x UNION ALL SELECT x + 1 FROM r WHERE x < 5) SELECT x FROM r"
    assert of(units, recursive, 1) == [None]


def test_deep_statements_take_no_longer_than_wide_ones(units: ResultUnits):
    deep = "SELECT * FROM (" * 40 + "SELECT * FROM main.flights" + ")" * 40
    began = time.monotonic()
    assert of(units, deep, 19)[5] == "minutes"
    assert time.monotonic() - began < 3
