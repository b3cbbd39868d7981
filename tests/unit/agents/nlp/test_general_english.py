"""The planner knows English and learns the data's words from the schema: no question's words are built in."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from agents.contract import DataSchema
from agents.data.schema import build_schema
from agents.data.source import Limits, open_source
from agents.nlp.tokens import stem

ROOT = Path(__file__).resolve().parents[4]
PLANNER = ROOT / "agents" / "nlp"
DATA = ("", str(ROOT / "tests" / "data" / "penguins.csv"))

GRAMMAR = (
    "a all and any at between by for from full g in is it me more of or s show the to top was when will with first"
)
TIMES = "day hour minute month year time dec th"
NUMBERS = "average count number name main"
# How something is, with the noun that measures it, and the two ends of a way.
QUALITIES = "late delay depth distance length mass temperature departure arrive destination origin manufactured"
IRREGULAR_VERBS = "flight flown"
ALLOWED = {stem(w) for words in (GRAMMAR, TIMES, NUMBERS, QUALITIES, IRREGULAR_VERBS) for w in words.split()}


def stems(text: str) -> set[str]:
    return {stem(word) for word in re.findall(r"[A-Za-z]+", text)}


def asked() -> set[str]:
    questions = yaml.safe_load((ROOT / "tests" / "questions.yaml").read_text(encoding="utf-8"))
    wordings = [w for kind in questions.values() for q in kind for w in (q["question"], *q["paraphrases"])]
    return set().union(*map(stems, wordings))


def said_by(schema: DataSchema) -> Iterator[str]:
    for table in schema.tables:
        yield table.name
        for column in table.columns:
            yield from (column.name.replace("_", " "), column.description, *column.synonyms, *column.values)


def literals(source: str) -> Iterator[str]:
    """The texts in Python code that are no docstrings."""
    tree = ast.parse(source)
    alone = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in alone:
            yield node.value


@pytest.fixture(scope="module")
def words_of_the_data() -> set[str]:
    schemas = [build_schema(open_source(path, Limits(memory_mb=512, threads=1))) for path in DATA]
    return asked() & set().union(*(stems(text) for schema in schemas for text in said_by(schema)))


def test_the_keywords_hold_no_question_words(words_of_the_data: set[str]) -> None:
    text = re.sub(r"#.*", "", (PLANNER / "keywords.yaml").read_text(encoding="utf-8"))
    assert words_of_the_data & stems(text) <= ALLOWED


def test_the_code_holds_no_question_words(words_of_the_data: set[str]) -> None:
    texts = (text for file in PLANNER.glob("*.py") for text in literals(file.read_text(encoding="utf-8")))
    assert words_of_the_data & set().union(*map(stems, texts)) <= ALLOWED


def test_the_words_looked_for_are_the_data_s(words_of_the_data: set[str]) -> None:
    assert {"boe", "jfk", "gentoo", "airlin", "speci"} & words_of_the_data >= {"jfk", "gentoo", "airlin", "speci"}
