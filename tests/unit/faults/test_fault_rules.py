"""What a rule may say, and when its schedule holds."""

import pytest
from pydantic import ValidationError

from faults.control import RULES
from faults.rules import Error, FaultKind, Hang, Latency, Target


def one(**rule: object):
    (found,) = RULES.validate_python([rule])
    return found


def test_a_rule_says_its_kind_and_no_more_than_it_must() -> None:
    rule = one(fault="error")
    assert isinstance(rule, Error)
    assert (rule.fault, rule.status, rule.share, rule.hits) == (FaultKind.ERROR, 500, 1.0, Target.CALLS)


@pytest.mark.parametrize("wrong", [
    {},
    {"fault": "earthquake"},
    {"fault": "error", "status": 600},
    {"fault": "error", "status": 100},
    {"fault": "error", "share": 1.1},
    {"fault": "error", "share": -0.1},
    {"fault": "error", "shar": 0.5},
    {"fault": "error", "times": 0},
    {"fault": "latency"},
    {"fault": "latency", "delay_s": -1},
    {"fault": "latency", "delay_s": float("inf")},
    {"fault": "latency", "delay_s": {"low_s": 2, "high_s": 1}},
    {"fault": "hang", "every_s": 10},
    {"fault": "hang", "every_s": 10, "for_s": 11},
    {"fault": "garbage", "garbage": "too_large", "size_bytes": 3},
])
def test_what_makes_no_sense_is_refused(wrong) -> None:
    with pytest.raises(ValidationError):
        one(**wrong)


@pytest.mark.parametrize(("schedule", "on", "off"), [
    ({}, [0, 1e6], []),
    ({"from_s": 5}, [5, 1e6], [0, 4.999]),
    ({"for_s": 3}, [0, 2.999], [3, 1e6]),
    ({"from_s": 5, "for_s": 3}, [5, 7.999], [0, 4.999, 8, 100]),
    ({"from_s": 5, "for_s": 3, "every_s": 10}, [5, 7.9, 15, 17.9, 1005], [0, 4.9, 8, 14.9, 18, 1008.1]),
    ({"for_s": 10, "every_s": 10}, [0, 9.9, 10, 25], []),
])
def test_the_schedule(schedule, on, off) -> None:
    rule = one(fault="hang", **schedule)
    assert isinstance(rule, Hang)
    assert [rule.is_on(age) for age in on] == [True] * len(on)
    assert [rule.is_on(age) for age in off] == [False] * len(off)


def test_a_fixed_delay_may_be_a_whole_number() -> None:
    rule = one(fault="latency", delay_s=2)
    assert isinstance(rule, Latency)
    assert rule.delay_s == 2.0
