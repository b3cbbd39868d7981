"""Values named in a question: lists of them, and what a negation before a list reaches."""

import pytest
from library import connect, library_schema

from agents.nlp.plan import Filter, Operator
from agents.nlp.planner import RulePlanner
from agents.nlp.refusal import RefusalError


@pytest.fixture(scope="module")
def planner() -> RulePlanner:
    return RulePlanner(library_schema(connect()))


def only_filter(planner: RulePlanner, question: str) -> Filter:
    (condition,) = planner.plan(question).plan.filters
    return condition


@pytest.mark.parametrize(
    "question",
    [
        "How many loans were not from Harbour or North Hall?",
        "average fine for every branch except Harbour and North Hall",
        "number of loans excluding Harbour, North Hall",
        "number of loans from neither Harbour nor North Hall",
    ],
)
def test_a_negation_reaches_the_whole_list(planner: RulePlanner, question: str) -> None:
    condition = only_filter(planner, question)
    assert (condition.operator, set(condition.values)) == (Operator.NOT_IN, {"Harbour", "North Hall"})


def test_a_negation_reaches_three_values(planner: RulePlanner) -> None:
    condition = only_filter(planner, "How many loans were not from Harbour, North Hall or South Hall?")
    assert (condition.operator, len(condition.values)) == (Operator.NOT_IN, 3)


def test_a_negation_ends_where_another_column_begins(planner: RulePlanner) -> None:
    found = planner.plan("How many loans were not from Harbour and of Crime books?").plan.filters
    assert {(f.operator, f.values) for f in found} == {(Operator.NE, ("Harbour",)), (Operator.EQ, ("Crime",))}


@pytest.mark.parametrize(
    "question",
    ["How many loans from Harbour but not from North Hall?", "number of loans not from Harbour and from North Hall"],
)
def test_a_column_both_wanted_and_not_is_refused(planner: RulePlanner, question: str) -> None:
    with pytest.raises(RefusalError, match="wanted"):
        planner.plan(question)
