"""A word is offered in place of an unknown one only when it is the schema's and the question is then understood."""

import pytest
from library import connect, library_schema

from agents.nlp.planner import RulePlanner
from agents.nlp.refusal import RefusalError


@pytest.fixture(scope="module")
def planner() -> RulePlanner:
    return RulePlanner(library_schema(connect()))


def offered(planner: RulePlanner, question: str) -> list[str]:
    with pytest.raises(RefusalError) as refused:
        planner.plan(question)
    return refused.value.did_you_mean


def test_a_near_word_is_offered_and_understood(planner: RulePlanner) -> None:
    words = offered(planner, "How many loans per brannchse?")
    assert words
    for word in words:
        assert planner.plan(f"How many loans per {word}?").plan.dimensions


@pytest.mark.parametrize("word", ["Mars", "asdf", "aftr", "distanter", "mileage"])
def test_words_of_the_grammar_are_not_offered(planner: RulePlanner, word: str) -> None:
    assert offered(planner, f"How many loans per {word}?") == []


def test_nothing_is_offered_where_it_would_be_refused(planner: RulePlanner) -> None:
    assert offered(planner, "Why brannchse?") == []
