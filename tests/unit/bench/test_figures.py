"""Figures from samples, by hand."""

import pytest

from bench.figures import interleaved, less_idle, median_difference, median_ratio, percentile, steady


def test_a_percentile_is_a_sample_by_nearest_rank() -> None:
    samples = [float(number) for number in range(100, 0, -1)]
    assert [percentile(samples, percent) for percent in (50, 95, 99, 100)] == [50, 95, 99, 100]
    assert percentile([7.0], 99) == 7.0
    assert percentile([1.0, 2.0, 3.0], 50) == 2.0


def test_a_ratio_is_taken_within_pairs_so_that_a_slow_moment_of_the_machine_cancels_out() -> None:
    ours, theirs = [100.0, 50.0, 10.0], [50.0, 25.0, 5.0]
    assert median_ratio(ours, theirs) == 2.0
    assert median_difference(ours, theirs) == 25.0


def test_pairs_that_do_not_match_are_refused() -> None:
    with pytest.raises(ValueError, match="zip"):
        median_ratio([1.0, 2.0], [1.0])


def test_rounds_go_there_and_back_again() -> None:
    assert [interleaved("abc", number) for number in range(3)] == [["a", "b", "c"], ["c", "b", "a"], ["a", "b", "c"]]


def test_only_the_second_half_of_arrivals_is_steady() -> None:
    assert steady([9.0, 9.0, 1.0, 2.0]) == [1.0, 2.0]
    assert steady([9.0, 1.0, 2.0]) == [1.0, 2.0]


def test_what_an_idle_system_counts_is_left_out_and_never_makes_a_count_negative() -> None:
    used = less_idle({"GET": 110, "PING": 12, "NEW": 3}, {"GET": 10, "PING": 10}, {"GET": 5.0, "PING": 4.0}, 2.0)
    assert used == {"GET": 90.0, "PING": 0.0, "NEW": 3.0}
