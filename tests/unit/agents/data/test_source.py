import hashlib
import re
import tempfile
from pathlib import Path

import duckdb
import pytest

from agents.data.errors import DataUnavailable
from agents.data.source import BUNDLED, Limits, open_source
from tests.unit.agents.data.conftest import PENGUINS, Open

LIMITS = Limits(memory_mb=128, threads=1)


def tables_of(schema) -> dict[str, int]:
    return {table.name: table.row_count for table in schema.tables}


def test_the_bundled_files_are_the_ones_their_readme_names():
    listed = dict(re.findall(r"\| (\S+\.parquet) \| `([0-9a-f]{64})` \|", (BUNDLED / "README.md").read_text()))
    assert sorted(listed) == sorted(path.name for path in BUNDLED.glob("*.parquet"))
    for name, digest in listed.items():
        assert hashlib.sha256((BUNDLED / name).read_bytes()).hexdigest() == digest


def test_nothing_named_means_the_flights(opened: Open):
    source, schema = opened("")
    assert tables_of(schema) == {
        "airlines": 16,
        "airports": 1458,
        "flights": 336_776,
        "planes": 3322,
        "weather": 26_115,
    }
    assert source.connection.execute("SELECT count(*) FROM flights WHERE hour(time_hour) <> hour").fetchone() == (0,)


def test_one_csv_file_is_one_table_with_real_types(opened: Open):
    _, schema = opened(PENGUINS)
    (table,) = schema.tables
    assert (table.name, table.row_count) == ("penguins", 344)
    types = {column.name: column.type for column in table.columns}
    assert types["species"] == "string"
    assert types["bill_length_mm"] == "number"
    assert types["body_mass_g"] == "integer"
    assert {column.name: column.null_count for column in table.columns}["sex"] == 11


def test_a_folder_is_one_table_per_file(tmp_path: Path, opened: Open):
    (tmp_path / "Sales 2024.csv").write_text("id,amount\n1,2.5\n2,\n")
    (tmp_path / "2023.tsv").write_text("id\twhen\n1\t2023-05-06\n")
    (tmp_path / "notes.txt").write_text("not data")
    duckdb.execute("COPY (SELECT 1 AS x) TO $1", [str(tmp_path / "more.parquet")])
    _, schema = opened(tmp_path)
    assert tables_of(schema) == {"sales_2024": 2, "t_2023": 1, "more": 1}
    when = next(table for table in schema.tables if table.name == "t_2023").columns[1]
    assert (when.type, when.min) == ("date", "2023-05-06")


def test_a_duckdb_file_is_served_with_all_its_schemas_and_views(tmp_path: Path, opened: Open):
    path = tmp_path / "shop.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE customers (id INTEGER, name VARCHAR)")
        connection.execute("CREATE SCHEMA sales; CREATE TABLE sales.orders AS SELECT 1 AS id, 7.5 AS amount")
        connection.execute("CREATE TABLE sales.customers (other INTEGER)")
        connection.execute("CREATE VIEW big AS SELECT * FROM sales.orders WHERE amount > 5")
    before = path.read_bytes()
    source, schema = opened(path)
    assert tables_of(schema) == {"big": 1, "customers": 0, "orders": 1}
    with pytest.raises(duckdb.InvalidInputException, match="read-only"):
        source.connection.execute("INSERT INTO customers VALUES (1, 'x')")
    assert path.read_bytes() == before


@pytest.mark.parametrize("spelling", ["NA", "NULL", "n/a"])
def test_missing_values_may_be_spelled_otherwise(spelling: str, tmp_path: Path, opened: Open):
    (tmp_path / "t.csv").write_text(f"x\n1\n{spelling}\n")
    (tmp_path / "catalogue.yaml").write_text(f"null_values: ['{spelling}']\n")
    _, schema = opened(tmp_path / "t.csv")
    assert (schema.tables[0].columns[0].type, schema.tables[0].columns[0].null_count) == ("integer", 1)


def test_a_country_may_be_called_na(tmp_path: Path, opened: Open):
    (tmp_path / "t.csv").write_text("country\nNA\nDE\n")
    (tmp_path / "catalogue.yaml").write_text("null_values: ['']\n")
    _, schema = opened(tmp_path / "t.csv")
    assert schema.tables[0].columns[0].values == ["DE", "NA"]


def test_nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, opened: Open):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    source, _ = opened(PENGUINS)
    assert list(tmp_path.iterdir()) == []
    assert source.connection.execute("SELECT count(*) FROM penguins").fetchone() == (344,)


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("missing.csv", None, "no such file"),
        ("data.xlsx", b"PK", "ending in"),
        ("empty.parquet", b"", "cannot be read"),
        ("broken.parquet", b"PAR1 this is not Parquet PAR1", "cannot be read"),
        ("broken.duckdb", b"this is not a database" * 300, "not a valid DuckDB"),
    ],
)
def test_what_cannot_be_served_is_told_with_the_settings_name(
    name: str, content: bytes | None, reason: str, tmp_path: Path
):
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataUnavailable, match=f"DATA='{re.escape(str(path))}' cannot be served") as refusal:
        open_source(str(path), LIMITS)
    assert reason in str(refusal.value)


def test_an_empty_folder_and_two_files_of_one_name_are_refused(tmp_path: Path):
    with pytest.raises(DataUnavailable, match="ending in"):
        open_source(str(tmp_path), LIMITS)
    (tmp_path / "a b.csv").write_text("x\n1\n")
    (tmp_path / "A-B.csv").write_text("x\n1\n")
    with pytest.raises(DataUnavailable, match="same table: a_b"):
        open_source(str(tmp_path), LIMITS)


@pytest.mark.parametrize("text", ["tables: [", "tables: {t: {colour: red}}", "- 1"])
def test_a_malformed_catalogue_is_refused(text: str, tmp_path: Path):
    (tmp_path / "t.csv").write_text("x\n1\n")
    (tmp_path / "catalogue.yaml").write_text(text)
    with pytest.raises(DataUnavailable, match="not a usable catalogue"):
        open_source(str(tmp_path / "t.csv"), LIMITS)


def test_the_limits_are_set_and_locked(opened: Open):
    source, _ = opened(PENGUINS)
    wanted = "memory_limit", "threads", "temp_directory", "enable_external_access", "lock_configuration", "TimeZone"
    with source.connection.cursor() as cursor:
        found = [cursor.execute("SELECT current_setting(?)", [name]).fetchone()[0] for name in wanted]
    assert found == ["244.1 MiB", 1, "", False, True, "UTC"]
