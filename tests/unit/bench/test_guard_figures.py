"""From guarded calls to gates, and onto the page."""

import pytest

from bench.breaker_report import as_json, tables_of, with_figures
from bench.guard_figures import Sample, cost, gates
from bench.report import BEGIN, END
from bench.situations import Contender, Situation

ROUNDS = {
    Situation.CLEAN: [Sample(400_000, 2.0, 3.0, 4), Sample(200_000, 4.0, 8.0, 3), Sample(400_000, 2.5, 4.0, 4)],
    Situation.FAILING: [Sample(5_000, 200.0, 300.0, 5_000)] * 3,
    Situation.REFUSING: [Sample(100_000, 3.0, 4.0, 1)] * 3,
}


def costs(**worse):
    rounds = ROUNDS | {Situation[name]: [sample] * 3 for name, sample in worse.items()}
    return {(Contender.BATON, situation, 1): cost((Contender.BATON, situation, 1), samples, seconds=1.0)
            for situation, samples in rounds.items()}


def marks(found):
    return [gate.mark for gate in gates(found)]


def missed(**worse):
    return [mark.what for mark in marks(costs(**worse)) if not mark.met]


def test_figures_are_medians_of_rounds():
    clean = costs()[Contender.BATON, Situation.CLEAN, 1]
    assert (clean.p50_us, clean.p99_us, clean.trips_per_s_and_process) == (2.5, 4.0, 4)
    assert (clean.trips_per_call, clean.trips_at_p50) == (pytest.approx(1e-5), 0)


def test_round_trips_a_second_are_of_one_process():
    both = cost((Contender.BATON, Situation.CLEAN, 8), [Sample(10_000, 1, 1, 64)], seconds=2.0)
    assert both.trips_per_s_and_process == 4


@pytest.mark.parametrize(("worse", "what"), [
    ({"CLEAN": Sample(100_000, 5.1, 9.0, 4)}, ["us of a call, closed and clean, p50, 1 process"]),
    ({"CLEAN": Sample(100_000, 4.9, 9.0, 5)}, ["its round trips a second and process, 1 process"]),
    ({"CLEAN": Sample(4, 4.9, 9.0, 4)}, ["its round trips at p50, 1 process"]),
    ({"FAILING": Sample(1_000, 200.0, 300.0, 1_020)}, ["round trips of a failure, 1 process"]),
    ({"REFUSING": Sample(1_000, 200.0, 300.0, 2)}, ["round trips a second and process while it refuses, 1 process"]),
    ({"REFUSING": Sample(1, 200.0, 300.0, 1)}, ["round trips of a refusal at p50, 1 process"]),
    ({}, []),
])
def test_each_gate_is_missed_by_what_it_is_about(worse, what):
    assert missed(**worse) == what


def test_the_page_keeps_all_but_its_figures():
    found = costs()
    figures = as_json(3, 1.0, found, marks(found))
    made = with_figures(f"# Title\n\n{BEGIN}old figures\n{END}\nThe rest.\n", figures, tables_of(found, marks(found)))
    assert made.startswith(f"# Title\n\n{BEGIN}Measured at commit `")
    assert made.endswith(f"{END}\nThe rest.\n")
    assert "old figures" not in made
    assert "| Baton | 1 | 2.50 | 4.00 | 0.00 | 4 |\n" in made
    with pytest.raises(ValueError, match="no place for figures"):
        with_figures("# Title\n", figures, [])
