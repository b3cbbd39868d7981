"""A chart is wished for when the person names one, and only then."""

import pytest
from library import connect, library_schema

from agents.nlp.planner import RulePlanner
from agents.nlp.reply import intent_of
from agents.viz.decision import decide
from agents.viz.shape import shape_of


@pytest.fixture(scope="module")
def planner() -> RulePlanner:
    return RulePlanner(library_schema(connect()))


def hint(planner: RulePlanner, question: str) -> str:
    return intent_of(planner.plan(question).plan).visualization_hint


@pytest.mark.parametrize(
    ("question", "wished"),
    [
        ("loans per branch as a line chart", "line"),
        ("loans per branch as a table", "table"),
        ("loans per branch as pie chart", "pie"),
        ("show me a bar chart of the average fine by branch", "bar"),
        ("draw a pie of loans by genre", "pie"),
        ("histogram of days kept", "histogram"),
        ("scatter plot of page count against price", "scatter"),
    ],
)
def test_a_chart_named_is_wished_for(planner: RulePlanner, question: str, wished: str) -> None:
    assert hint(planner, question) == wished


@pytest.mark.parametrize(
    "question", ["loans per branch", "monthly number of loans", "distribution of days kept", "How many loans?"]
)
def test_without_a_wish_the_viz_agent_decides(planner: RulePlanner, question: str) -> None:
    assert hint(planner, question) == "auto"


@pytest.mark.parametrize(
    ("question", "reason"),
    [
        ("loans per branch", "A bar chart: bars compare one value per category."),
        ("loans per branch as a table", "A table: as asked for, and the result has the shape for it."),
        (
            "loans per branch as pie chart",
            "A bar chart: bars compare one value per category; asked for was “pie”, but this agent does not draw one.",
        ),
    ],
)
def test_the_reason_tells_what_was_asked_for(planner: RulePlanner, question: str, reason: str) -> None:
    rows = [{"branch": "Harbour", "num_loans": 3}, {"branch": "North Hall", "num_loans": 2}]
    assert decide(shape_of(["branch", "num_loans"], rows), hint(planner, question)).reason == reason
