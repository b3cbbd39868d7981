"""Statements of every harmless kind get through, and answer what DuckDB answers to the caller's own text."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from starlette.testclient import TestClient

from agents.data.app import DataSet
from agents.data.guard import Guard
from agents.data.json_values import json_value
from agents.data.relations import relations
from tests.unit.agents.data.conftest import MAX_ROWS, PENGUINS, Open

TESTS = Path(__file__).resolve().parents[3]
STATEMENTS = yaml.safe_load((TESTS / "harmless_sql.yaml").read_text(encoding="utf-8"))
QUESTIONS = yaml.safe_load((TESTS / "questions.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("statement", STATEMENTS)
def test_harmless_statements_answer_what_the_engine_answers(statement: str, client: TestClient, data_set: DataSet):
    answer = client.post("/execute", json={"sql_query": statement})
    assert answer.status_code == 200, answer.json()["error"]
    with data_set.source.connection.cursor() as cursor:
        wanted = [[json_value(value) for value in row] for row in cursor.execute(statement).fetchall()]
    result = answer.json()["result"]
    assert [list(row.values()) for row in result["data"]] == _close(wanted[:MAX_ROWS])
    assert result["row_count"] == min(len(wanted), MAX_ROWS)


def test_statements_that_are_right_answers_to_questions_pass(guard: Guard, opened: Open):
    source, schema = opened(PENGUINS)
    penguins = Guard(source.connection, relations(source.connection), schema, max_rows=MAX_ROWS)
    guards = {"flights": guard, "penguins": penguins}
    statements = [(each["schema"], sql) for each in QUESTIONS["answerable"] for sql in each["sql"]]
    assert len(statements) >= 30
    for name, sql in statements:
        assert guards[name].check(sql).sql


def _close(rows: list[list[Any]]) -> list[list[Any]]:
    """Sums of floats depend on the order in which threads add them."""
    return [[pytest.approx(value) if isinstance(value, float) else value for value in row] for row in rows]
