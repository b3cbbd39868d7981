"""All of `tests/complex_questions.yaml` through splitter, planner and data agent; what was one question stays one."""

from functools import cache
from pathlib import Path
from typing import Any

import altair
import pytest
import vl_convert
import yaml
from test_questions import MAX_ROWS, Row, same_rows, served, wordings

from agents.contract import DataResult, VizRequest
from agents.data.execution import Execution
from agents.data.relations import relations
from agents.data.reply import answered
from agents.data.units import ResultUnits
from agents.dialects import parse_data, parse_nlp
from agents.nlp.compiler import compile_plan
from agents.nlp.refusal import RefusalError
from agents.nlp.reply import answer_in_parts, intent_of
from agents.nlp.splitting import Part as Asked
from agents.nlp.splitting import parts_of
from agents.viz.chart import draw
from pipeline.composing.compose import Part, compose

QUESTIONS = yaml.safe_load((Path(__file__).resolve().parent.parent / "complex_questions.yaml").read_text("utf-8"))
COMPLEX: list[dict[str, Any]] = QUESTIONS["complex"]
SIMPLE: list[dict[str, Any]] = QUESTIONS["simple"]
TIME_LIMIT_S = 30.0


@cache
def execution() -> Execution:
    """The data agent's own way from SQL to rows, over the flights."""
    one = served("flights")
    units = ResultUnits(relations(one.connection), one.schema)
    return Execution(one.connection, one.guard, units, max_rows=MAX_ROWS)


def rows_of(sql: str) -> DataResult:
    rows = execution().run(sql, TIME_LIMIT_S)
    return parse_data(answered(rows, validate=True, cache_hit=False, processing_time_ms=1.0))


def as_rows(data: DataResult) -> list[Row]:
    return [tuple(day(row[column.name]) for column in data.columns) for row in data.rows]


def day(value: Any) -> Any:
    """Times come as text over the wire; a day at midnight is the day."""
    return value.removesuffix("T00:00:00").removesuffix(" 00:00:00") if isinstance(value, str) else value


def is_right(data: DataResult, statements: list[str], *, ordered: bool) -> bool:
    expected = [served("flights").connection.execute(sql).fetchall() for sql in statements]
    return any(same_rows(as_rows(data), wanted, ordered=ordered) for wanted in expected)


def sql_of(part: Asked) -> str:
    return compile_plan(part.understood.plan, served("flights").schema)


def part_of(asked: Asked) -> Part:
    data = rows_of(sql_of(asked))
    intent = intent_of(asked.understood.plan).model_dump()
    chart = draw(VizRequest(data=data.rows, columns=list(data.columns), query=asked.question, intent=intent))
    understood = asked.understood.interpretation
    return Part(name=asked.name, question=asked.question, interpretation=understood, data=data, chart=chart)


def ids(questions: list[dict[str, Any]]) -> list[str]:
    return [" ".join(question["question"].split())[:60] for question in questions]


@pytest.mark.parametrize("question", COMPLEX, ids=ids(COMPLEX))
def test_each_part_gives_the_rows_of_its_sql_and_all_fit_on_one_page(question: dict[str, Any]) -> None:
    asked = parts_of(question["question"], served("flights").planner)
    assert len(asked) == len(question["parts"]), [part.question for part in asked]
    parts = [part_of(one) for one in asked]
    for part, wanted in zip(parts, question["parts"], strict=True):
        assert part.data is not None
        assert is_right(part.data, wanted["sql"], ordered=wanted.get("ordered", False)), part.question
    composed = compose(question["question"], parts)
    assert (composed.data is not None) == question.get("joined", False)
    assert composed.chart.spec is not None
    altair.Chart.from_dict(composed.chart.spec)  # raises where it is no Vega-Lite
    assert vl_convert.vegalite_to_svg(composed.chart.spec, allowed_base_urls=[]).startswith("<svg")


@pytest.mark.parametrize("question", SIMPLE, ids=ids(SIMPLE))
def test_what_is_one_query_is_not_split(question: dict[str, Any]) -> None:
    one = served("flights")
    assert parts_of(question["question"], one.planner) == []
    sql = compile_plan(one.planner.plan(question["question"]).plan, one.schema)
    assert is_right(rows_of(sql), question["sql"], ordered=False), sql


def test_there_are_fifteen_of_each() -> None:
    assert (len(COMPLEX), len(SIMPLE)) == (15, 15)


def test_no_answerable_question_is_split() -> None:
    split = [wording for question, wording in wordings("answerable") if _parts(question, wording)]
    assert split == []


def test_no_question_the_data_cannot_answer_is_answered_in_parts() -> None:
    assert [wording for question, wording in wordings("unanswerable") if _parts(question, wording)] == []


def _parts(question: dict[str, Any], wording: str) -> list[Asked]:
    try:
        return parts_of(wording, served(question["schema"]).planner)
    except RefusalError:
        return []


def test_the_reply_is_read_back_as_several_queries() -> None:
    asked = parts_of(COMPLEX[0]["question"], served("flights").planner)
    reply = answer_in_parts([(part, sql_of(part)) for part in asked], processing_time_ms=1.0)
    read = parse_nlp(reply)
    assert read.sql_query == ""
    assert [query.name for query in read.queries] == ["delay_month_united_delta", "worst_airports"]
    assert [query.question for query in read.queries] == [part.question for part in asked]
    assert all(query.sql_query.startswith("SELECT ") and query.interpretation for query in read.queries)
    assert "as in another part" in read.queries[1].assumptions[0]
    assert read.interpretation == " ".join(query.interpretation for query in read.queries)
