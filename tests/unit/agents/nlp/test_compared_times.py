"""Several times in one question: listed they are one filter, set against each other also a group."""

from datetime import date

import pytest
from library import connect, library_schema

from agents.nlp.compiler import compile_plan
from agents.nlp.plan import Grain, QueryPlan
from agents.nlp.planner import RulePlanner
from agents.nlp.refusal import RefusalError


@pytest.fixture(scope="module")
def planner() -> RulePlanner:
    return RulePlanner(library_schema(connect()))


def plan_of(planner: RulePlanner, question: str) -> QueryPlan:
    return planner.plan(question).plan


@pytest.mark.parametrize(
    ("question", "months"),
    [
        ("How many loans in January and June?", (1, 6)),
        ("How many loans in January, March and June?", (1, 3, 6)),
        ("How many loans in January or June?", (1, 6)),
        ("How many loans between January and March?", (1, 2, 3)),
        ("How many loans in January-March?", (1, 2, 3)),
    ],
)
def test_listed_months_are_one_filter(planner: RulePlanner, question: str, months: tuple[int, ...]) -> None:
    plan = plan_of(planner, question)
    assert [p.months for p in plan.periods] == [months]
    assert not plan.dimensions


def test_listed_weekdays_are_one_filter(planner: RulePlanner) -> None:
    assert [p.weekdays for p in plan_of(planner, "How many loans on Monday and Friday?").periods] == [(1, 5)]


def test_months_of_one_year_need_not_follow_each_other(planner: RulePlanner) -> None:
    plan = plan_of(planner, "How many loans in March 2023 and June 2023?")
    assert [(p.start, p.end, p.months) for p in plan.periods] == [(date(2023, 1, 1), date(2024, 1, 1), (3, 6))]
    connection = connect()
    expected = "SELECT count(*) FROM loans WHERE year(loaned_on) = 2023 AND month(loaned_on) IN (3, 6)"
    found = connection.execute(compile_plan(plan, planner.schema)).fetchall()
    assert found == connection.execute(expected).fetchall()


def test_times_set_against_each_other_group_the_rows(planner: RulePlanner) -> None:
    plan = plan_of(planner, "average fine in January versus July")
    assert [d.grain for d in plan.dimensions] == [Grain.MONTH]


def test_days_apart_are_refused(planner: RulePlanner) -> None:
    with pytest.raises(RefusalError):
        planner.plan("How many loans on 2023-03-01 and 2023-06-01?")
