"""`or` inside one list is understood; between two conditions it is refused."""

import pytest
from library import connect, library_schema

from agents.nlp.plan import Operator
from agents.nlp.planner import RulePlanner
from agents.nlp.refusal import RefusalError


@pytest.fixture(scope="module")
def planner() -> RulePlanner:
    return RulePlanner(library_schema(connect()))


@pytest.mark.parametrize(
    "question",
    [
        "How many loans from Harbour or with a fine over 2 euros?",
        "How many loans from Harbour or of Crime books?",
        "How many loans with a fine over 2 euros or days kept over 10?",
        "How many loans in March or from Harbour?",
        "How many loans were never returned or from Harbour?",
        "How many loans from Harbour in March or North Hall?",
    ],
)
def test_either_of_two_conditions_is_refused(planner: RulePlanner, question: str) -> None:
    with pytest.raises(RefusalError) as refused:
        planner.plan(question)
    assert refused.value.suggestions == ["Ask for each of the two on its own."]


@pytest.mark.parametrize(
    "question",
    ["How many loans from Harbour or North Hall?", "How many loans in March from Harbour, or from North Hall?"],
)
def test_either_of_two_values_is_a_list(planner: RulePlanner, question: str) -> None:
    condition = planner.plan(question).plan.filters[0]
    assert (condition.operator, condition.values) == (Operator.IN, ("Harbour", "North Hall"))


def test_or_more_is_no_alternative(planner: RulePlanner) -> None:
    found = planner.plan("How many loans from Harbour with days kept 10 or more?").plan.filters
    assert {(f.operator, f.values) for f in found} == {(Operator.EQ, ("Harbour",)), (Operator.GE, (10,))}
