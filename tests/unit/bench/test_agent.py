"""The dummy agent speaks the contract, at the size it says."""

import json

import pytest

from agents.contract import VizResult
from agents.dialects import parse
from bench.agent import ANSWERS


@pytest.mark.parametrize(("agent", "role"), [("nlp", "process"), ("data", "execute"), ("viz", "visualize")])
def test_every_answer_is_one_of_the_contract_and_about_a_kilobyte(agent: str, role: str) -> None:
    parse(agent, ANSWERS[role])
    assert 700 < len(json.dumps(ANSWERS[role])) < 1400


def test_the_chart_needs_no_drawing_of_ours() -> None:
    chart = parse("viz", ANSWERS["visualize"])
    assert isinstance(chart, VizResult)
    assert chart.spec is not None
