"""Percentiles of logarithmic buckets against those of the times themselves."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from state.histogram import ERROR, LAST_BUCKET, Histogram, upper_ms

times_ms = st.one_of(st.integers(0, 100), st.integers(0, 2**22))


def bucket_of(ms):
    return next(bucket for bucket in range(LAST_BUCKET + 1) if ms <= upper_ms(bucket))


def histogram_of(times):
    buckets = {}
    for ms in times:
        buckets[bucket_of(ms)] = buckets.get(bucket_of(ms), 0) + 1
    return Histogram(buckets, sum(times))


@given(st.lists(times_ms, min_size=1, max_size=60), st.sampled_from([0.01, 0.5, 0.95, 0.99, 1.0]))
def test_a_percentile_is_near_the_time_at_that_place(times, share):
    exact = sorted(times)[max(1, math.ceil(share * len(times))) - 1]
    told = histogram_of(times).quantile_ms(share)
    assert abs(told - exact) <= max(1.0, ERROR * exact * (1 + 1e-9))


@given(st.lists(times_ms, max_size=60), st.lists(times_ms, max_size=60))
def test_histograms_add_up(some, more):
    both = histogram_of(some) + histogram_of(more)
    assert both == histogram_of(some + more)
    assert both.count == len(some + more)
    assert both.mean_ms == (pytest.approx(sum(some + more) / len(some + more)) if some + more else None)


@given(st.lists(times_ms, max_size=60), st.integers(0, LAST_BUCKET))
def test_limits_are_inclusive(times, bucket):
    assert histogram_of(times).not_above(bucket) == sum(ms <= upper_ms(bucket) for ms in times)


def test_the_error_is_below_a_tenth_and_the_last_bucket_has_no_end():
    assert ERROR < 0.1
    assert upper_ms(88) == 2**22
    assert upper_ms(LAST_BUCKET) == math.inf
    assert Histogram({LAST_BUCKET: 1}, 10**9).quantile_ms(0.5) > 2**22


def test_nothing_measured_has_no_percentiles():
    assert Histogram({}).mean_ms is None
    assert Histogram({}).quantile_ms(0.5) is None
