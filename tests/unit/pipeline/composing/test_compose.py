"""What is said of the parts together, and when there is nothing to put together."""

import pytest
from composed_parts import CARRIER, DELAY, by_carrier, by_month, one, part, table

from pipeline.composing.compose import Composed, NothingToCompose, Part, compose

GONE = Part(name="gone", question="delays by plane", missing="the data agent did not answer")


def test_one_interpretation_says_what_is_joined() -> None:
    composed = compose("flights and delays by month", [by_month("flights"), by_month("delays", DELAY)])
    assert composed.interpretation == "The answer to flights. The answer to delays. The parts are joined by month."
    assert composed.data is not None


def test_numbers_in_one_row_are_told() -> None:
    composed = compose("how many here and there", [one("here", DELAY, 1.5), one("there", DELAY, 2.5)])
    assert composed.interpretation.endswith("The parts stand in one row.")


def test_a_missing_part_is_told_with_its_reason() -> None:
    composed = compose("flights and delays", [by_month("flights"), GONE])
    told = "The answer to flights. “Delays by plane” is not answered: the data agent did not answer."
    assert composed.interpretation == told
    assert composed.data is None


def test_a_part_without_rows_is_an_answer() -> None:
    composed = compose("delays", [part("delays", table(CARRIER, DELAY, rows=[])), GONE])
    assert composed.interpretation.startswith("The answer to delays. There are no such rows.")
    assert composed.chart.spec is None


def test_nothing_to_compose_says_why() -> None:
    with pytest.raises(NothingToCompose, match="“Delays by plane” is not answered: the data agent did not answer"):
        compose("delays by plane", [GONE, GONE])
    with pytest.raises(NothingToCompose, match="no parts"):
        compose("nothing", [])


def test_it_is_read_back_from_json() -> None:
    composed = compose("flights and delays", [by_month("flights"), by_carrier("delays")])
    assert Composed.model_validate_json(composed.model_dump_json()) == composed
    assert Part.model_validate_json(GONE.model_dump_json()) == GONE


def test_the_parts_are_left_as_they_were() -> None:
    parts = [by_month("flights"), by_carrier("delays"), by_carrier("more", base=90)]
    before = [one.model_dump_json() for one in parts]
    compose("flights and delays", parts)
    assert [one.model_dump_json() for one in parts] == before
