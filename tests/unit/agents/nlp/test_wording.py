"""Answers and examples use the words the schema has for its columns."""

import pytest
from library import connect, library_schema

from agents.contract import DataSchema
from agents.nlp.examples import example_questions
from agents.nlp.planner import RulePlanner
from agents.nlp.spoken_names import plural

SAID = {
    ("loans", "fine_eur"): {"description": "Late fee paid at return", "synonyms": ["late fee", "fine"]},
    ("loans", "branch"): {"description": "Two word branch name", "synonyms": ["library"]},
    ("members", "name"): {"description": "Full name of the member", "synonyms": ["reader"]},
}


@pytest.fixture(scope="module")
def planner() -> RulePlanner:
    schema = library_schema(connect()).model_dump()
    for table in schema["tables"]:
        for column in table["columns"]:
            column.update(SAID.get((table["name"], column["name"]), {}))
    return RulePlanner(DataSchema.model_validate(schema))


@pytest.mark.parametrize(
    ("question", "sentence"),
    [
        ("average fine by branch", "The average late fee per branch, highest first."),
        ("loans per reader", "The number of loans per reader, highest first."),
        ("loans per genre", "The number of loans per genre of books, highest first."),
        ("How many loans with a fine over 2?", "The number of loans, where late fee is more than 2 EUR."),
    ],
)
def test_a_column_is_called_as_the_schema_calls_it(planner: RulePlanner, question: str, sentence: str) -> None:
    assert planner.plan(question).interpretation == sentence


def test_examples_speak_of_several(planner: RulePlanner) -> None:
    assert "Top 5 branches by number of loans" in example_questions(planner)


@pytest.mark.parametrize(("one", "many"), [("carrier", "carriers"), ("home city", "home cities"), ("day", "days")])
def test_plurals(one: str, many: str) -> None:
    assert plural(one) == many
