"""Names of parts."""

import re

import pytest
from library import connect, library_schema

from agents.nlp.part_names import names_of
from agents.nlp.planner import RulePlanner


@pytest.fixture(scope="module")
def planner() -> RulePlanner:
    return RulePlanner(library_schema(connect()))


def test_a_name_is_of_the_words_the_others_lack(planner: RulePlanner) -> None:
    assert names_of(["average fine by month", "average fine by branch"], planner) == ["month", "branch"]


def test_numbers_and_fillers_are_no_names(planner: RulePlanner) -> None:
    assert names_of(["show the ten worst genres", "loans by month"], planner) == ["worst_genres", "loans_month"]


def test_alike_parts_get_numbers(planner: RulePlanner) -> None:
    assert names_of(["loans by month"] * 3, planner) == ["loans_month", "loans_month_2", "loans_month_3"]


def test_what_has_no_latin_letters_is_counted(planner: RulePlanner) -> None:
    assert names_of(["ολα", "???"], planner) == ["part_1", "part_2"]


def test_names_are_short(planner: RulePlanner) -> None:
    names = names_of(["science fiction loans by branch title author city genre", "loans of Neuromancer"] * 2, planner)
    assert len(set(names)) == 4
    assert all(re.fullmatch(r"[a-z0-9_]{1,40}", name) for name in names)
