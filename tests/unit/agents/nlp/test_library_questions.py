"""The planner on a schema it was not made for: right, or refused, and hardly ever wrong."""

from collections import Counter

import duckdb
import pytest
from library import connect, library_schema
from library_questions import ANSWERABLE, UNANSWERABLE

from agents.contract import DataSchema
from agents.nlp.compiler import compile_plan
from agents.nlp.planner import RulePlanner
from agents.nlp.refusal import RefusalError


@pytest.fixture(scope="module")
def connection() -> duckdb.DuckDBPyConnection:
    return connect()


@pytest.fixture(scope="module")
def schema(connection: duckdb.DuckDBPyConnection) -> DataSchema:
    return library_schema(connection)


@pytest.fixture(scope="module")
def planner(schema: DataSchema) -> RulePlanner:
    return RulePlanner(schema)


def rows_of(connection: duckdb.DuckDBPyConnection, sql: str) -> list[tuple[str, ...]]:
    """Rows as sorted texts, so that neither the order of rows nor of columns counts."""
    found = connection.execute(sql).fetchall()
    return sorted(tuple(sorted(f"{v:.6g}" if isinstance(v, float | int) else str(v) for v in row)) for row in found)


def outcome(connection: duckdb.DuckDBPyConnection, planner: RulePlanner, question: str, accepted: list[str]) -> str:
    try:
        sql = compile_plan(planner.plan(question).plan, planner.schema)
    except RefusalError:
        return "refused"
    return (
        "correct"
        if any(rows_of(connection, sql) == rows_of(connection, one) for one in accepted)
        else f"wrong: {question} -> {sql}"
    )


def test_new_questions_are_answered_rightly_or_refused(
    connection: duckdb.DuckDBPyConnection, planner: RulePlanner
) -> None:
    outcomes = {question: outcome(connection, planner, question, accepted) for question, accepted in ANSWERABLE.items()}
    wrong = [text for text in outcomes.values() if text.startswith("wrong")]
    assert not wrong, "\n".join(wrong)
    assert Counter(outcomes.values())["correct"] >= 20, [q for q, text in outcomes.items() if text == "refused"]


@pytest.mark.parametrize("question", UNANSWERABLE)
def test_what_the_library_does_not_know_is_refused(planner: RulePlanner, question: str) -> None:
    with pytest.raises(RefusalError):
        planner.plan(question)
