"""Example questions made from the schema; each is planned before it is offered, so that none is refused."""

from collections.abc import Iterable, Iterator
from itertools import pairwise

from agents.contract import ColumnSchema, TableSchema
from agents.nlp.compiler import PlanError, compile_plan
from agents.nlp.plan import Grain
from agents.nlp.planner import RulePlanner
from agents.nlp.refusal import RefusalError
from agents.nlp.spoken_names import plural, spoken
from agents.nlp.timeline import timelines
from agents.nlp.tokens import words_of

_MOST = 12
_PARTS_OF_TIME = frozenset({*Grain, "minute", "second"})
_NAMES = frozenset({"id", "code", "zip", "number", "no", "nr", "index", "lat", "lon", "latitude", "longitude", "phone"})


def example_questions(planner: RulePlanner) -> list[str]:
    """Up to a dozen questions the planner answers, the largest table first, of every kind the schema allows."""
    tables = sorted(planner.schema.tables, key=lambda table: -table.row_count)
    asked = [list(_questions(table)) for table in tables]
    offered = [question for questions in asked[:1] for question in questions] + [
        question for questions in asked[1:] for question in questions[:2]
    ]
    return [question for question in dict.fromkeys(offered) if _answered(planner, question)][:_MOST]


def _answered(planner: RulePlanner, question: str) -> bool:
    try:
        compile_plan(planner.plan(question).plan, planner.schema)
    except (RefusalError, PlanError):
        return False
    return True


def _questions(table: TableSchema) -> Iterator[str]:
    rows = " ".join(word for word in words_of(table.name) if not word.isdigit())
    if rows.endswith("s"):
        yield f"How many {rows} are there?"
    groups, numbers = list(_groups(table)), list(_numbers(table))
    for column in groups[: rows.endswith("s")]:
        yield f"Top 5 {plural(spoken(column))} by number of {rows}"
    for number in numbers[:1]:
        yield from _about(table, number, groups)
    for one, two in pairwise(numbers[:2]):
        yield f"Relationship between {spoken(one)} and {spoken(two)}"
    if timelines(table, ()):
        yield f"Number of {rows} over time"
    for column in groups:
        if column.values:
            yield f"How many {rows} have {spoken(column)} {column.values[0]}?"
            return


def _about(table: TableSchema, number: ColumnSchema, groups: list[ColumnSchema]) -> Iterable[str]:
    name = spoken(number)
    yield f"What is the average {name}?"
    for column in groups[:2]:
        yield f"Average {name} by {spoken(column)}"
    yield f"Distribution of {name}"
    if timelines(table, ()):
        yield f"Average {name} over time"
    for column in groups:
        if len(column.values) >= 2:
            yield f"Compare the average {name} of {column.values[0]} and {column.values[1]}"
            return


def _numbers(table: TableSchema) -> Iterator[ColumnSchema]:
    """The columns worth averaging, those with a unit first."""
    keys = {name for key in table.foreign_keys for name in key.columns} | set(table.primary_key)
    plain = [
        c
        for c in table.columns
        if c.type in ("number", "integer")
        and c.name not in keys
        and not (set(words_of(c.name)) & (_PARTS_OF_TIME | _NAMES))
    ]
    yield from sorted(plain, key=lambda c: c.unit is None)


def _groups(table: TableSchema) -> Iterator[ColumnSchema]:
    """The text columns with few values."""
    yield from (
        c
        for c in table.columns
        if c.type == "string" and 2 <= (c.distinct_count or 0) <= 50 and c.name not in table.primary_key
    )
