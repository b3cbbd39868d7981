"""Everything in `tests/hostile_sql.yaml`, through the real app, through the guard alone, and past the guard."""

import re
import resource
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml
from starlette.testclient import TestClient

from agents.data.app import DataSet
from agents.data.errors import InvalidSql, Refused
from agents.data.guard import Guard
from tests.unit.agents.data.conftest import MAX_ROWS

CLASSES = yaml.safe_load((Path(__file__).resolve().parents[3] / "hostile_sql.yaml").read_text(encoding="utf-8"))
CANARY = "open-sesame-7351"
LIMIT_S = 0.3
SLACK_S = 3.0  # DuckDB ends between two batches of rows, and this machine may be busy
MEMORY_SLACK_MB = 1_024
LOCKED = re.compile(r"disabled (by|through) configuration|read-only mode|configuration has been locked", re.IGNORECASE)
GOOD = {"sql_query": "SELECT count(*) AS n FROM flights", "execution_config": {"use_cache": False}}


def cases(**wanted: Any) -> list[Any]:
    """One test parameter for each statement of the classes that have these attributes."""
    return [
        pytest.param(
            text if isinstance(text, str) else "".join(part * times for part, times in text),
            id=f"{each['class']}-{number}",
        )
        for each in CLASSES
        if all(each.get(key) == value for key, value in wanted.items())
        for number, text in enumerate(each["sql"])
    ]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hostile")
    (folder / "secret.csv").write_text(f"content,column0\n{CANARY},{CANARY}\n", encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def before(data_set: DataSet) -> list[Any]:
    return fingerprint(data_set)


@pytest.fixture
def unharmed(client: TestClient, data_set: DataSet, before: list[Any], folder: Path) -> Iterator[None]:
    """Afterwards the agent still answers, the data are what they were, and no file was written."""
    yield
    assert client.post("/execute", json=GOOD).json()["result"]["data"] == [{"n": 336_776}]
    assert client.get("/health").json()["status"] == "healthy"
    assert fingerprint(data_set) == before
    assert [path.name for path in folder.iterdir()] == ["secret.csv"]


def fingerprint(data_set: DataSet) -> list[Any]:
    with data_set.source.connection.cursor() as cursor:
        return [
            cursor.execute(f'SELECT count(*), bit_xor(hash(t)) FROM "{table.name}" AS t').fetchone()  # noqa: S608
            for table in data_set.schema.tables
        ]


def filled(statement: str, folder: Path) -> str:
    return statement.replace("{secret}", str(folder / "secret.csv")).replace("{folder}", str(folder))


def test_there_are_enough_hostile_statements_of_every_kind():
    assert len(cases()) >= 200
    assert len(cases(outcome="bounded")) >= 25
    assert len(cases(locked=True)) >= 60
    assert len({each["class"] for each in CLASSES}) == len(CLASSES)


@pytest.mark.usefixtures("unharmed")
@pytest.mark.parametrize("statement", cases(outcome="refused"))
def test_refused(statement: str, client: TestClient, folder: Path):
    began = time.monotonic()
    answer = client.post("/execute", json={"sql_query": filled(statement, folder)})
    assert answer.status_code == 422
    body = answer.json()
    assert body["success"] is False
    assert body["error"]["error_type"] in {"rejected", "invalid_sql"}
    assert body["error"]["message"].strip()
    assert body["error"]["recovery_action"] == "rephrase"
    assert body["error"]["suggestions"]
    assert CANARY not in answer.text
    assert time.monotonic() - began < SLACK_S


@pytest.mark.usefixtures("unharmed")
@pytest.mark.parametrize("statement", cases(outcome="bounded"))
def test_bounded(statement: str, client: TestClient):
    peak_before_mb = _peak_memory_mb()
    began = time.monotonic()
    answer = client.post("/execute", json={"sql_query": statement}, headers={"X-Deadline-Ms": str(LIMIT_S * 1000)})
    assert time.monotonic() - began < LIMIT_S + SLACK_S
    assert _peak_memory_mb() - peak_before_mb < MEMORY_SLACK_MB
    body = answer.json()
    if answer.status_code == 200:
        assert body["result"]["truncated"] is True
        assert body["result"]["row_count"] == len(body["result"]["data"]) <= MAX_ROWS
    else:
        assert answer.status_code == 422
        assert body["error"]["error_type"] in {"time_limit", "memory_limit"}
        assert body["error"]["recovery_action"] == "narrow the question"


@pytest.mark.parametrize("statement", cases(outcome="refused", binds=None))
def test_the_guard_alone_refuses(statement: str, guard: Guard, folder: Path):
    with pytest.raises((Refused, InvalidSql)):
        guard.check(filled(statement, folder))


@pytest.mark.usefixtures("unharmed")
@pytest.mark.parametrize("statement", cases(locked=True))
def test_the_connection_alone_refuses(statement: str, data_set: DataSet, folder: Path):
    text = filled(statement, folder)
    with data_set.source.connection.cursor() as cursor, pytest.raises(duckdb.Error) as refusal:
        cursor.execute(text).fetchall()
    unknown_name = isinstance(refusal.value, duckdb.CatalogException) and "does not exist" in str(refusal.value)
    assert LOCKED.search(str(refusal.value)) or unknown_name


def _peak_memory_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
