"""A fleet of one is the rules alone; with more processes, also successes from before a failure heal it."""

from random import Random

import pytest

from breakers.model import SECOND_US
from breakers.settings import BreakerSettings
from prove.false_opens import default_numbers
from prove.fleet import PROCESSES, failed_before_open, fleet, most_failures, play
from prove.proof import Run
from prove.traffic import Play, Traffic, failures

CALLS = 20_000
QUICKLY_BACK = BreakerSettings(threshold=3, recovery_s=1.0)


@pytest.mark.parametrize("agent", ["nlp", "data"])
def test_one_process_alone_refuses_what_the_rules_refuse(agent):
    traffic, settings = Traffic(CALLS), default_numbers(agent)
    failing = failures(Random(agent), CALLS, 0.2)
    alone = Play(settings, traffic, failing).run()
    seen = play(settings, [traffic.at_us(call) / SECOND_US for call in range(CALLS)], [0] * CALLS, failing)
    assert (seen.opened, seen.reopened) == (alone.opened, alone.reopened)
    assert alone.opened > 5
    assert abs(seen.refused - alone.refused) <= alone.opened + alone.reopened  # the call at the very end of a period


def test_processes_that_do_not_know_of_a_failure_heal_it_too():
    traffic = Traffic(CALLS, 1, SECOND_US // 400)
    random = Random(5)
    failing = failures(random, CALLS, 0.05)
    times_s = [traffic.at_us(call) / SECOND_US for call in range(CALLS)]
    alone = play(QUICKLY_BACK, times_s, [0] * CALLS, failing)
    several = play(QUICKLY_BACK, times_s, random.choices(range(PROCESSES), k=CALLS), failing)
    assert 0 < several.opened <= alone.opened


@pytest.mark.parametrize("per_s", [10, 400])
def test_a_dying_agent_s_breaker_opens_within_the_bound(per_s):
    settings = default_numbers("data")
    failed = [failed_before_open(Random(number), settings, per_s) for number in range(20)]
    assert settings.threshold <= min(failed)
    assert max(failed) <= most_failures(settings)


def test_the_fleet_is_told_beside_the_rules(tmp_path, monkeypatch):
    monkeypatch.setattr("prove.fleet.CALLS", 500)
    result = fleet(Run(1, 0.001, tmp_path, lambda _: None), agent="data", bound_percent=1.0)
    assert [figure.kind for figure in result.figures] == ["target"] * 6
    assert list(result.details) == ["10/s", "100/s", "400/s"]
