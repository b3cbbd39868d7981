from pathlib import Path

import pytest

from agents.contract import DataSchema, TableSchema
from agents.data.app import DataSet
from agents.data.errors import DataUnavailable
from tests.unit.agents.data.conftest import PENGUINS, Open


def table(schema: DataSchema, name: str) -> TableSchema:
    return next(each for each in schema.tables if each.name == name)


def keys(schema: DataSchema, name: str) -> set[tuple[str, ...]]:
    return {(*link.columns, link.ref_table, *link.ref_columns) for link in table(schema, name).foreign_keys}


def write(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        (folder / f"{name}.csv").write_text(text.replace(" ", "\n") + "\n")
    return folder


def test_the_flights_are_described_by_their_catalogue(data_set: DataSet):
    schema = data_set.schema
    assert (schema.dialect, schema.title) == ("duckdb", "Flights departing New York City in 2013")
    assert all(each.description for each in schema.tables)
    assert all(column.description for each in schema.tables for column in each.columns)
    columns = {column.name: column for column in table(schema, "flights").columns}
    assert columns["dep_delay"].unit == "minutes"
    assert columns["distance"].unit == "miles"
    assert "airline code" in columns["carrier"].synonyms
    assert {column.name: column.unit for column in table(schema, "weather").columns}["temp"] == "°F"


def test_the_flights_keys(data_set: DataSet):
    schema = data_set.schema
    primary = {each.name: each.primary_key for each in schema.tables}
    assert primary == {
        "airlines": ["carrier"],
        "airports": ["faa"],
        "flights": [],
        "planes": ["tailnum"],
        "weather": [],
    }
    assert keys(schema, "flights") == {
        ("carrier", "airlines", "carrier"),
        ("tailnum", "planes", "tailnum"),
        ("origin", "airports", "faa"),
        ("dest", "airports", "faa"),
        ("origin", "time_hour", "weather", "origin", "time_hour"),
    }


def test_figures_are_those_of_the_data(data_set: DataSet):
    columns = {column.name: column for column in table(data_set.schema, "flights").columns}
    delay, origin, tail, when = columns["dep_delay"], columns["origin"], columns["tailnum"], columns["time_hour"]
    assert (delay.type, delay.min, delay.max, delay.null_count, delay.distinct_count) == (
        "integer",
        -43,
        1301,
        8255,
        527,
    )
    assert (origin.values, origin.distinct_count) == (["EWR", "JFK", "LGA"], 3)
    assert (tail.values, tail.distinct_count) == ([], 4043)
    assert (when.type, when.min, when.max) == ("datetime", "2013-01-01T05:00:00", "2013-12-31T23:00:00")


def test_without_a_catalogue_keys_are_read_off_the_values(tmp_path: Path, opened: Open):
    folder = write(
        tmp_path,
        customers="id,city 1,Rome 2,Oslo 3,Rome",
        products="sku,price a,1.5 b,2.5",
        orders="id,customer_id,sku,note 1,3,a,x 2,3,b,y 3,,a,y",
    )
    _, schema = opened(folder)
    assert {each.name: each.primary_key for each in schema.tables} == {
        "customers": ["id"],
        "products": ["sku"],
        "orders": ["id"],
    }
    assert keys(schema, "orders") == {("customer_id", "customers", "id"), ("sku", "products", "sku")}
    assert keys(schema, "customers") == keys(schema, "products") == set()


def test_a_value_without_its_match_makes_no_foreign_key(tmp_path: Path, opened: Open):
    folder = write(tmp_path, products="sku,price a,1.5 b,2.5", orders="sku,n a,1 a,1 c,2")
    assert keys(opened(folder)[1], "orders") == set()


def test_measurements_and_columns_with_gaps_are_no_keys(tmp_path: Path, opened: Open):
    folder = write(tmp_path, t="weight,code,name 1.5,a,x 2.5,,y 3.5,c,x")
    assert table(opened(folder)[1], "t").primary_key == []


def test_prose_is_not_listed_as_values(tmp_path: Path, opened: Open):
    (tmp_path / "t.csv").write_text(f"review,grade\n{'long ' * 50},A\nshort,B\n")
    review, grade = opened(tmp_path)[1].tables[0].columns
    assert (review.values, review.distinct_count, grade.values) == ([], 2, ["A", "B"])


@pytest.mark.parametrize(
    "catalogue",
    [
        "tables: {t: {columns: {nope: {unit: g}}}}",
        "tables: {t: {primary_key: [nope]}}",
        "tables: {t: {foreign_keys: [{columns: [nope], ref_table: t, ref_columns: [x]}]}}",
    ],
)
def test_a_catalogue_that_names_unknown_columns_is_refused(catalogue: str, tmp_path: Path, opened: Open):
    write(tmp_path, t="x 1")
    (tmp_path / "catalogue.yaml").write_text(catalogue)
    with pytest.raises(DataUnavailable, match="t does not have: nope"):
        opened(tmp_path)


def test_the_version_changes_with_the_data_and_only_then(tmp_path: Path, opened: Open):
    write(tmp_path, t="x 1")
    first = opened(tmp_path)[1].version
    assert opened(tmp_path)[1].version == first
    write(tmp_path, t="x 2")
    second = opened(tmp_path)[1].version
    (tmp_path / "catalogue.yaml").write_text("title: Numbers")
    assert len({first, second, opened(tmp_path)[1].version}) == 3


def test_penguins_need_no_catalogue(opened: Open):
    _, schema = opened(PENGUINS)
    (penguins,) = schema.tables
    assert penguins.primary_key == penguins.foreign_keys == []
    assert {column.name: column.values for column in penguins.columns}["species"] == ["Adelie", "Chinstrap", "Gentoo"]
