import json
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from uuid import UUID

import duckdb
import pytest

from agents.data.column_types import column_type
from agents.data.json_values import json_value

HUGE = 2**127 - 1


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (None, None),
        (True, True),
        (HUGE, HUGE),
        (1.5, 1.5),
        (float("nan"), None),
        (float("inf"), None),
        (float("-inf"), None),
        (Decimal("1.50"), 1.5),
        (Decimal(7), 7),
        (Decimal("12345678901234567890"), 12345678901234567890),
        (date(2013, 1, 2), "2013-01-02"),
        (datetime(2013, 1, 2, 3, 4, 5), "2013-01-02T03:04:05"),  # noqa: DTZ001
        (datetime(2013, 1, 2, tzinfo=UTC), "2013-01-02T00:00:00+00:00"),
        (time(10, 30), "10:30:00"),
        (timedelta(days=1, hours=2), "1 day, 2:00:00"),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (b"\x00\xff", "00ff"),
        ([1, float("nan"), [date(2013, 1, 2)]], [1, None, ["2013-01-02"]]),
        ({"a": Decimal("0.5"), 2: None}, {"a": 0.5, "2": None}),
    ],
)
def test_every_kind_of_value_has_a_json_form(value, wanted):
    got = json_value(value)
    assert got == wanted
    assert type(got) is type(wanted)
    assert json.loads(json.dumps(got, allow_nan=False)) == wanted


def test_an_unknown_kind_is_an_error():
    with pytest.raises(TypeError, match="no JSON form for a object"):
        json_value(object())


@pytest.mark.parametrize(
    ("sql_type", "kind"),
    [
        ("INTEGER", "integer"), ("UHUGEINT", "integer"), ("DOUBLE", "number"), ("DECIMAL(18,3)", "number"),
        ("VARCHAR", "string"), ("ENUM('a', 'b')", "string"), ("BOOLEAN", "boolean"), ("DATE", "date"),
        ("TIMESTAMP", "datetime"), ("TIMESTAMP WITH TIME ZONE", "datetime"), ("TIME", "time"), ("INTEGER[]", "other"),
        ("DECIMAL(3,1)[]", "other"), ("STRUCT(a INTEGER)", "other"), ("BLOB", "other"), ("INTERVAL", "string"),
    ],
)  # fmt: skip
def test_sql_types_become_the_contracts(sql_type: str, kind: str):
    assert column_type(sql_type) == kind


def test_every_type_the_engine_has_comes_out_as_json():
    with duckdb.connect() as connection:
        cursor = connection.execute("SELECT * FROM test_all_types()")
        kinds = {name: column_type(str(kind)) for name, kind, *_ in cursor.description}
        rows = [[json_value(value) for value in row] for row in cursor.fetchall()]
    assert json.loads(json.dumps(rows, allow_nan=False)) == rows
    assert kinds["bigint"] == "integer"
    assert kinds["timestamp_tz"] == "datetime"
    assert kinds["int_array"] == "other"
