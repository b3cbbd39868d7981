"""The exact test of two shares, against whole numbers and published values."""

from fractions import Fraction
from math import comb

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.rollout.significance import chance


def exact(bad, asked, bad_there, asked_there):
    drawn = bad + bad_there
    worse = sum(comb(asked, at) * comb(asked_there, drawn - at) for at in range(bad, min(asked, drawn) + 1))
    return float(Fraction(worse, comb(asked + asked_there, drawn)))


def test_the_lady_tasting_tea():
    """Fisher's own: all four cups right by chance, and three or more."""
    assert chance(4, 4, 0, 4) == pytest.approx(1 / 70)
    assert chance(3, 4, 1, 4) == pytest.approx(17 / 70)


sides = st.integers(1, 300).flatmap(lambda asked: st.tuples(st.integers(0, asked), st.just(asked)))


@given(sides, sides)
def test_as_by_whole_numbers(here, there):
    assert chance(*here, *there) == pytest.approx(exact(*here, *there), rel=1e-9)


@given(sides, sides)
def test_one_more_bad_one_is_never_likelier(here, there):
    (bad, asked), (bad_there, asked_there) = here, there
    if bad < asked:
        assert chance(bad + 1, asked, bad_there, asked_there) <= chance(bad, asked, bad_there, asked_there) * (1 + 1e-9)
    if bad_there < asked_there:
        assert chance(bad, asked, bad_there + 1, asked_there) >= chance(bad, asked, bad_there, asked_there) * (1 - 1e-9)


thousands = st.integers(1, 4_000).flatmap(lambda asked: st.tuples(st.integers(0, asked), st.just(asked)))


@settings(max_examples=60, deadline=None)
@given(thousands, thousands)
def test_as_by_whole_numbers_with_thousands(here, there):
    """Far above the mean the truth may be less than a float can hold."""
    truth = exact(*here, *there)
    assert chance(*here, *there) == pytest.approx(truth, rel=1e-8, abs=1e-290)


def test_far_below_the_mean_it_is_certain():
    assert chance(5, 3_000, 2_000, 3_000) == 1.0
    assert chance(0, 1_000_000, 900_000, 1_000_000) == 1.0
    assert chance(0, 0, 3, 10) == chance(3, 10, 0, 0) == 1.0


def test_large_counts():
    assert chance(50_000, 1_000_000, 50_000, 1_000_000) == pytest.approx(0.5, abs=0.01)
    assert 0 < chance(3_000, 30_000, 1_000, 30_000) < 1e-200
