"""The word before a time, and the person's own words in refusals."""

import pytest
from library import connect, library_schema

from agents.nlp.plan import Aggregate
from agents.nlp.planner import RulePlanner
from agents.nlp.refusal import RefusalError


@pytest.fixture(scope="module")
def planner() -> RulePlanner:
    return RulePlanner(library_schema(connect()))


def test_the_word_before_a_time_says_which(planner: RulePlanner) -> None:
    plan = planner.plan("How many members joined before 2022?").plan
    assert [m.aggregate for m in plan.measures] == [Aggregate.COUNT]
    assert plan.time_axis is not None
    assert plan.time_axis.moment is not None
    assert plan.time_axis.moment.name == "joined_on"


def test_a_time_of_a_joined_table_is_refused_by_its_word(planner: RulePlanner) -> None:
    with pytest.raises(RefusalError) as refused:
        planner.plan("How many loans of members who joined before 2022?")
    assert refused.value.unmatched == ["joined"]


def test_a_time_without_data_is_named_as_it_was_said(planner: RulePlanner) -> None:
    with pytest.raises(RefusalError) as refused:
        planner.plan("How many loans in August 2031?")
    assert refused.value.unmatched == ["August 2031"]


def test_a_number_of_places_may_come_last(planner: RulePlanner) -> None:
    assert planner.plan("median days kept per genre, top 2").plan.limit == 2
