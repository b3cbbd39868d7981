"""What an answer takes for granted is said with it."""

import duckdb
import pytest
from library import connect, library_schema

from agents.nlp.compiler import compile_plan
from agents.nlp.planner import RulePlanner


@pytest.fixture(scope="module")
def connection() -> duckdb.DuckDBPyConnection:
    """The library, with a loan by a member and of a book nobody knows."""
    connection = connect()
    connection.execute("INSERT INTO loans VALUES (81, 99, 98, 'Harbour', '2023-03-05', NULL, NULL, 0)")
    return connection


@pytest.fixture(scope="module")
def planner(connection: duckdb.DuckDBPyConnection) -> RulePlanner:
    return RulePlanner(library_schema(connection))


@pytest.mark.parametrize(("word", "day"), [("today", "2024-12-25"), ("yesterday", "2024-12-24")])
def test_a_day_is_counted_from_the_last_of_the_data(planner: RulePlanner, word: str, day: str) -> None:
    (said,) = [text for text in planner.plan(f"How many loans {word}?").assumptions if word in text]
    assert day in said
    assert "last day of the data, 2024-12-25" in said


def test_keys_without_a_match_are_counted(connection: duckdb.DuckDBPyConnection, planner: RulePlanner) -> None:
    understood = planner.plan("How many different members borrowed something in March 2023?")
    sql = compile_plan(understood.plan, planner.schema)
    assert "JOIN" not in sql
    expected = "SELECT count(DISTINCT member_id) FROM loans WHERE loaned_on BETWEEN '2023-03-01' AND '2023-03-31'"
    assert connection.execute(sql).fetchall() == connection.execute(expected).fetchall()


@pytest.mark.parametrize("question", ["loans per genre", "How many loans by members from Leeds?", "loans per month"])
def test_a_join_that_may_drop_rows_is_told(planner: RulePlanner, question: str) -> None:
    understood = planner.plan(question)
    joined = "JOIN" in compile_plan(understood.plan, planner.schema)
    assert joined is any("without a match" in text for text in understood.assumptions)
