import pytest
from pydantic import ValidationError

from breakers.model import Mode
from breakers.registry import Breakers, numbers_of
from breakers.request import Requests
from breakers.settings import BreakerSettings
from core.settings import Settings


def settings(**changes):
    return Settings(_env_file=None, **changes)


@pytest.mark.parametrize(("name", "threshold", "recovery_s"), [
    ("nlp", 5, 60), ("data", 3, 120), ("viz", 5, 60), ("data:acme", 3, 120), ("further", 5, 60)])
def test_each_agent_has_its_numbers(name, threshold, recovery_s):
    numbers = numbers_of(name, settings())
    assert (numbers.threshold, numbers.recovery_s) == (threshold, recovery_s)


@pytest.mark.parametrize(("agent", "timeout_s"), [("nlp", 30), ("data", 120), ("viz", 45), ("further", 120)])
def test_a_probe_s_lease_outlives_the_longest_call(agent, timeout_s):
    numbers = numbers_of(agent, settings())
    assert numbers.probe_lease_s > timeout_s >= numbers.slow_call_s


def test_installations_may_change_them():
    numbers = numbers_of("data", settings(data_breaker_threshold=9, data_breaker_recovery_s=7, breaker_first_open_s=2,
                                          breaker_max_open_s=30, breaker_permits=2, data_timeout_s=10))
    assert (numbers.threshold, numbers.recovery_s, numbers.permits, numbers.probe_lease_s) == (9, 7, 2, 15)
    assert [numbers.open_s(again) for again in range(6)] == [2, 4, 8, 16, 30, 30]


def test_a_first_period_longer_than_an_agent_s_recovery_is_its_recovery():
    assert numbers_of("viz", settings(viz_breaker_recovery_s=5, breaker_first_open_s=8)).open_s(0) == 5


@pytest.mark.parametrize("changes", [
    {"threshold": 0}, {"recovery_s": 0}, {"recovery_s": float("inf")}, {"permits": 0}, {"slow_rate": 0},
    {"slow_rate": 1.1}, {"first_open_s": 61}, {"max_open_s": 59}, {"retry_reserve": 101}, {"probe_lease_s": -1}])
def test_nonsense_is_refused(changes):
    with pytest.raises(ValidationError):
        BreakerSettings(**changes)


def test_what_operators_stored_lies_on_top_and_older_texts_are_understood():
    base = BreakerSettings(threshold=7)
    assert base.overlaid("") is base
    assert base.overlaid(BreakerSettings(threshold=2, recovery_s=9).wire).recovery_s == 9
    assert base.overlaid('{"recovery_s": 9, "unknown_to_us": 1}') == BreakerSettings(threshold=7, recovery_s=9)


def test_a_mode_lasts_longer_than_nothing():
    with pytest.raises(ValueError, match="longer than 0 s"):
        Requests("nlp", BreakerSettings()).mode(Mode.DISABLED, "ann", "drill", 0)


def test_a_breaker_is_made_once_by_name():
    made = []
    breakers = Breakers(settings(), lambda name, numbers: made.append((name, numbers.threshold)) or name)
    assert [breakers["data:a"], breakers["data:b"], breakers["data:a"]] == ["data:a", "data:b", "data:a"]
    assert made == [("data:a", 3), ("data:b", 3)]


@pytest.mark.parametrize("number", [
    {"slow_window_s": 1.7e308}, {"slow_call_s": 1e-300}, {"recovery_s": 0}, {"threshold": 10**12}, {"retry_max": 1e308},
    {"slow_min_calls": 0}, {"probe_lease_s": 1e7},
])
def test_numbers_that_no_sum_could_hold_are_refused(number):
    with pytest.raises(ValidationError):
        BreakerSettings.model_validate(number)
