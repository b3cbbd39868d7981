"""Which questions are several, asked of the library; the flights are asked in `tests/integration`."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from library import connect, library_schema

from agents.nlp.compiler import compile_plan
from agents.nlp.planner import RulePlanner
from agents.nlp.refusal import RefusalError
from agents.nlp.splitting import MAX_PARTS, Part, parts_of


@pytest.fixture(scope="module")
def planner() -> RulePlanner:
    return RulePlanner(library_schema(connect()))


def asked(planner: RulePlanner, question: str) -> list[str]:
    return [part.question for part in parts_of(question, planner)]


@pytest.mark.parametrize(
    ("question", "parts"),
    [
        ("average fine by branch; loans by month", ["average fine by branch", "loans by month"]),
        ("average fine by branch and also the number of loans by month", ["average fine by branch",
                                                                          "the number of loans by month"]),
        ("How many members are there? And how many loans are there by branch?",
         ["How many members are there", "how many loans are there by branch"]),
        ("First the average fine by branch, then the loans by genre", ["the average fine by branch",
                                                                       "the loans by genre"]),
        ("1. loans by branch\n2. average price by genre", ["loans by branch", "average price by genre"]),
        ("how many loans were not from Harbour and how many were from Harbour",
         ["how many loans were not from Harbour", "how many were from Harbour"]),
        ("top 2 branches versus top 2 genres by number of loans", ["top 2 branches",
                                                                   "top 2 genres by number of loans"]),
        ("average fine by branch, and which genre has the highest",
         ["average fine by branch", "which genre has the highest by average fine"]),
        ("average fine by branch, and which has the lowest",
         ["average fine by branch", "which has the lowest branch by average fine"]),
        ("how many loans were there by branch and how many in March",
         ["how many loans were there by branch", "number of loans in March"]),
        ("what is the busiest branch and which genre has the most loans",
         ["what is the busiest branch", "which genre has the most loans"]),
        ("how many loans are there and what is the average fine by branch",
         ["how many loans are there", "what is the average fine by branch"]),
        ("average fine in winter versus summer", ["average fine in winter", "average fine for summer"]),
        ("average fine in winter versus summer by branch",
         ["average fine in winter per branch", "average fine for summer by branch"]),
        ("compare the average fine of Harbour and York", ["compare the average fine of Harbour",
                                                          "average fine for York"]),
        ("average price by genre and number of loans", ["average price by genre", "number of loans per genre"]),
        ("branch with the most loans and branch with the fewest loans",
         ["branch with the most loans", "branch with the fewest loans"]),
    ],
)  # fmt: skip
def test_what_asks_for_several_things_is_split(planner: RulePlanner, question: str, parts: list[str]) -> None:
    assert asked(planner, question) == parts


@pytest.mark.parametrize(
    "question",
    [
        "loans and average fine by branch",
        "average fine and average days kept by branch",
        "average fine and number of loans by branch",
        "number of loans by branch and genre",
        "loans by branch and by month",
        "loans in January and February",
        "loans kept between 5 and 10 days",
        "Harbour and North Hall loans by month",
        "Compare the average fine of Harbour and North Hall",
        "Compare the average fine of Harbour and North Hall loans",
        "average fine for Harbour and for North Hall by month",
        "number of loans per branch versus average fine per branch",
        "minimum and maximum fine",
        "compare the number of loans kept over 5 days and under 10 days",
        "relationship between days kept and fine",
        "fine versus days kept",
        "loans by branch and their average fine",
        "Average fine by month. Show it as a line chart, please.",
        "How many loans by branch? Thanks!",
        "Books by Austen, Gibson and Herbert",
        "How many loans were never returned and were from Harbour?",
    ],
)
def test_what_is_one_query_stays_one(planner: RulePlanner, question: str) -> None:
    assert asked(planner, question) == []


@pytest.mark.parametrize(
    ("question", "part"),
    [
        ("loans by month; average mileage by branch", "average mileage by branch"),
        ("loans by month and average mileage by branch", "average mileage by branch"),
        ("average mileage by branch; loans by month", "average mileage by branch"),
        ("loans by month. asdf qwerty", "asdf qwerty"),
    ],
)
def test_the_part_that_is_not_understood_is_named(planner: RulePlanner, question: str, part: str) -> None:
    with pytest.raises(RefusalError, match=re.escape(f"In the part “{part}”: nothing in the data matches")) as refused:
        parts_of(question, planner)
    assert refused.value.unmatched


def test_a_sentence_that_asks_is_not_taken_as_the_rest_of_the_one_before(planner: RulePlanner) -> None:
    with pytest.raises(RefusalError, match="In the part “total of Crime”: it is not clear what “total” means here"):
        parts_of("loans by month; total of Crime", planner)


def test_a_near_word_is_offered_for_a_part_too(planner: RulePlanner) -> None:
    with pytest.raises(RefusalError) as refused:
        parts_of("average fine by month; How many loans per brannchse?", planner)
    assert refused.value.did_you_mean


def test_a_borrowed_measure_is_told(planner: RulePlanner) -> None:
    part = parts_of("average fine by branch, and which genre has the highest", planner)[1]
    assert part.understood.assumptions[0] == "What is asked for is the average fine, as in another part."


def test_opposite_places_of_one_ranking_are_two_questions(planner: RulePlanner) -> None:
    first, second = parts_of("branch with the most loans and branch with the fewest loans", planner)
    assert first.understood.plan.order is not second.understood.plan.order


def test_too_many_parts_are_refused(planner: RulePlanner) -> None:
    groups = ["branch", "genre", "author", "city", "month", "year", "weekday", "quarter", "title"]
    assert len(groups) > MAX_PARTS
    with pytest.raises(RefusalError, match=f"asks for {len(groups)} things; at most {MAX_PARTS}"):
        parts_of("; ".join(f"number of loans by {group}" for group in groups), planner)


WORDS = ["loans", "average fine", "by branch", "by month", "Harbour", "York", "top 2", "genres", "and", "versus",
         ";", ",", "and also", "how many", "in March", "worst", "compare", "then", "?", "the", "which"]  # fmt: skip


@given(words=st.lists(st.sampled_from(WORDS), min_size=1, max_size=12))
def test_any_words_are_split_into_queries_or_refused(planner: RulePlanner, words: list[str]) -> None:
    try:
        parts = parts_of(" ".join(words), planner)
        sqls = [compile_plan(part.understood.plan, planner.schema) for part in parts]
    except RefusalError:
        return
    assert len(parts) != 1
    assert all(sqls)
    _check_names(parts)


def _check_names(parts: list[Part]) -> None:
    names = [part.name for part in parts]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z0-9_]{1,40}", name) for name in names)
