"""The agent over HTTP: the contract's standard dialect, limits, cache, faults."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest
from starlette.testclient import TestClient

from agents.contract import DataResult, DataSchema
from agents.data.app import DataSet, app
from agents.data.execution import MAX_RESULT_BYTES, Execution
from agents.dialects import parse
from tests.unit.agents.data.conftest import MAX_ROWS


def ask(client: TestClient, sql: str, **config: bool) -> dict[str, Any]:
    answer = client.post("/execute", json={"sql_query": sql, "execution_config": config, "unknown": 1})
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_rows_come_back_in_the_standard_dialect(client: TestClient):
    reply = ask(
        client, "SELECT carrier, avg(dep_delay) AS delay, count(*) AS n FROM flights GROUP BY 1 ORDER BY 1 LIMIT 2"
    )
    assert reply["success"] is True
    metadata = reply["agent_metadata"]
    assert (metadata["agent_name"], metadata["status"]) == ("data", "completed")
    assert metadata["processing_time_ms"] >= reply["result"]["processing_time_ms"] > 0
    assert metadata["operation_id"]
    assert metadata["agent_version"]
    assert reply["result"]["columns"] == [
        {"name": "carrier", "type": "string", "unit": None},
        {"name": "delay", "type": "number", "unit": "minutes"},
        {"name": "n", "type": "integer", "unit": None},
    ]
    assert reply["result"]["data"][0] == {"carrier": "9E", "delay": pytest.approx(16.725769407441433), "n": 18_460}
    assert (reply["result"]["row_count"], reply["result"]["truncated"]) == (2, False)
    assert reply["validation"] == {"is_valid": True, "quality_score": 1.0, "issues": [], "warnings": []}
    assert '"main"."flights"' in reply["query_optimization"]["executed_sql"]


def test_the_reply_is_what_the_client_understands(client: TestClient):
    result = parse("data", ask(client, "SELECT max(distance) AS far FROM flights"))
    assert isinstance(result, DataResult)
    assert result.rows == [{"far": 4983}]
    assert (result.columns[0].type, result.columns[0].unit) == ("integer", "miles")
    assert result.quality["quality_score"] == 1.0


def test_no_rows_are_an_answer(client: TestClient):
    result = ask(client, "SELECT carrier FROM flights WHERE month = 13")["result"]
    assert (result["data"], result["row_count"]) == ([], 0)
    assert [column["name"] for column in result["columns"]] == ["carrier"]


def test_missing_values_are_told(client: TestClient):
    reply = ask(client, "SELECT dep_delay, 'nan'::DOUBLE AS x FROM flights WHERE dep_delay IS NULL LIMIT 3")
    assert reply["result"]["data"] == [{"dep_delay": None, "x": None}] * 3
    assert reply["validation"]["quality_score"] == 0.0
    assert reply["validation"]["warnings"] == [
        "dep_delay: 3 of 3 values are missing", "x: 3 of 3 values are missing"
    ]  # fmt: skip
    assert ask(client, "SELECT 1", validate_result=False)["validation"] == {}


@pytest.mark.parametrize(
    ("limit", "rows", "truncated"),
    [("", MAX_ROWS, True), (f"LIMIT {MAX_ROWS}", MAX_ROWS, False), (f"LIMIT {MAX_ROWS + 1}", MAX_ROWS, True),
     ("LIMIT 3", 3, False), ("LIMIT 90%", MAX_ROWS, True), ("LIMIT (SELECT 2)", 2, False), ("LIMIT 0", 0, False),
     ("FETCH FIRST 4 ROWS ONLY", 4, False), ("LIMIT 5 OFFSET 336770", 5, False), ("LIMIT 50 OFFSET 336770", 6, False)],
)  # fmt: skip
def test_rows_are_cut_at_the_limit_and_marked(limit: str, rows: int, truncated: bool, client: TestClient):
    result = ask(client, f"SELECT flight FROM flights {limit}")["result"]  # noqa: S608
    assert (len(result["data"]), result["row_count"], result["truncated"]) == (rows, rows, truncated)


def test_an_answer_is_cut_at_its_size_too(client: TestClient):
    wide = "SELECT carrier, tails FROM airlines, (SELECT string_agg(tailnum, ',') AS tails FROM flights)"
    answer = client.post("/execute", json={"sql_query": wide})
    assert answer.status_code == 200
    assert answer.json()["result"]["truncated"] is True
    assert 0 < answer.json()["result"]["row_count"] < 16
    assert len(answer.content) < 2 * MAX_RESULT_BYTES


def test_columns_of_one_name_stay_apart(client: TestClient):
    sql = "SELECT a.name, b.name, a.carrier AS name_2 FROM airlines a JOIN airlines b USING (carrier) LIMIT 1"
    assert list(ask(client, sql)["result"]["data"][0]) == ["name", "name_2", "name_2_2"]


def test_the_same_statement_is_answered_from_memory(client: TestClient):
    sql = "SELECT count(*) AS cached FROM planes"
    assert ask(client, sql)["cache_metadata"] == {"cache_hit": False}
    again = ask(client, sql)
    assert (again["cache_metadata"], again["result"]["data"]) == ({"cache_hit": True}, [{"cached": 3322}])
    assert ask(client, sql, use_cache=False)["cache_metadata"] == {"cache_hit": False}


def test_the_callers_time_left_is_kept(client: TestClient):
    endless = "SELECT count(*) FROM flights a, flights b, flights c WHERE a.distance + b.distance = c.distance * 1.1"
    answer = client.post("/execute", json={"sql_query": endless}, headers={"X-Deadline-Ms": "200"})
    assert answer.status_code == 422
    error = answer.json()["error"]
    assert error["error_type"] == "time_limit"
    assert error["message"] == "The statement did not end within 0.2 s."
    assert error["recovery_action"] == "narrow the question"
    assert any("DATA_STATEMENT_TIMEOUT_S" in each for each in error["suggestions"])


def test_an_unknown_column_is_named_with_its_likely_meaning(client: TestClient):
    error = client.post("/execute", json={"sql_query": "SELECT departure_delay FROM flights"}).json()["error"]
    assert error["error_type"] == "invalid_sql"
    assert "departure_delay" in error["message"]
    assert "dep_delay" in error["message"]
    assert "LINE 1" not in error["message"]


@pytest.mark.parametrize("body", [{}, {"sql_query": ""}, {"sql_query": 5}, [1], {"sql_query": "x" * 100_001}])
def test_a_request_out_of_shape_is_refused(body: Any, client: TestClient):
    answer = client.post("/execute", json=body)
    assert answer.status_code == 422
    assert answer.json()["success"] is False
    assert answer.json()["error"]["error_type"] == "rejected"
    assert answer.json()["error"]["message"]


def test_the_schema_is_the_contracts(client: TestClient, data_set: DataSet):
    assert DataSchema.model_validate(client.get("/schema").json()) == data_set.schema


def test_the_agent_says_that_it_is_well(client: TestClient, data_set: DataSet):
    health = client.get("/health").json()
    assert (health["status"], health["agent_name"], health["tables"]) == ("healthy", "data", 5)
    assert health["agent_version"]
    assert health["schema_version"] == data_set.schema.version


def test_many_at_once_do_not_disturb_each_other(client: TestClient):
    def one(month: int) -> Any:
        slow = {"sql_query": "SELECT count(*) FROM flights a, flights b WHERE a.flight < b.flight * 1.5"}
        if month % 4 == 0:
            return client.post("/execute", json=slow, headers={"X-Deadline-Ms": "300"}).status_code
        sql = f"SELECT month, count(*) AS n FROM flights WHERE month = {month} GROUP BY 1"  # noqa: S608
        return ask(client, sql, use_cache=False)["result"]["data"]

    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(one, range(1, 13)))
    assert [answer for answer in answers if isinstance(answer, int)] == [422, 422, 422]
    assert [answer[0]["month"] for answer in answers if isinstance(answer, list)] == [1, 2, 3, 5, 6, 7, 9, 10, 11]
    assert answers[1] == [{"month": 2, "n": 24_951}]


class BrokenExecution(Execution):
    """Stands for an engine whose database was closed by a fatal error."""

    def __init__(self, error: duckdb.Error) -> None:
        self._error = error

    def run(self, sql: str, time_limit_s: float) -> Any:
        raise self._error


@pytest.mark.parametrize(
    ("error", "reopened"),
    [(duckdb.FatalException("x"), True), (duckdb.InternalException("x"), True), (duckdb.IOException("x"), False)],
)
def test_a_fault_of_the_engine_is_an_agent_error_and_a_fatal_one_opens_the_data_anew(
    error: duckdb.Error, reopened: bool, client: TestClient, data_set: DataSet
):
    broken = replace(data_set, execution=BrokenExecution(error))
    app.state.data_set = broken
    try:
        answer = client.post("/execute", json={"sql_query": "SELECT 'not asked before'"})
        assert answer.status_code == 500
        assert answer.json()["error"]["error_type"] == "agent_error"
        assert (app.state.data_set is not broken) is reopened
        if reopened:
            assert ask(client, "SELECT count(*) AS n FROM airlines")["result"]["data"] == [{"n": 16}]
            app.state.data_set.source.connection.close()
    finally:
        app.state.data_set = data_set


def test_a_dead_engine_is_unhealthy(client: TestClient, data_set: DataSet):
    closed = duckdb.connect()
    closed.close()
    app.state.data_set = replace(data_set, source=replace(data_set.source, connection=closed))
    try:
        answer = client.get("/health")
        assert (answer.status_code, answer.json()["status"]) == (503, "unhealthy")
        assert answer.json()["reason"]
    finally:
        app.state.data_set = data_set


def test_data_that_cannot_be_served_ends_the_start_with_one_clear_line(tmp_path: Path):
    missing = tmp_path / "missing.csv"
    started = subprocess.run(
        [sys.executable, "-m", "agents.data"],
        env={"DATA": str(missing)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert started.returncode == 1
    assert f"DATA='{missing}' cannot be served: there is no such file or folder" in started.stderr
    assert "Traceback" not in started.stderr
