"""Many processes under one breaker, on a real server: few of them here, fifty in `make prove TOPIC=breakers`."""

import pytest

from tests.breaker_fleet import RECOVERY_S, SHORT_LEASE_S, dead_agent, fleet, rush

PROCESSES, ROUNDS = 8, 50


@pytest.fixture(scope="module")
def crew(valkey):
    with fleet(valkey.url, PROCESSES) as crew:
        yield crew


def test_never_more_probes_than_permitted_and_late_results_change_nothing(crew):
    tried = rush(crew, ROUNDS, seed=1)
    assert tried.rounds == ROUNDS
    assert (tried.most_over_permits, tried.fewest_under_permits, tried.wrong_states) == (0, 0, 0)
    assert set(tried.outcomes) == {"success", "failure"}
    assert (tried.stale, tried.stale_that_counted) == (ROUNDS * PROCESSES, 0)


def test_a_killed_prober_s_place_is_free_within_its_lease(crew):
    tried = rush(crew, 5, seed=2, deaths_every=1)
    assert tried.deaths == 5
    assert tried.most_over_permits == 0
    assert RECOVERY_S < tried.slowest_after_death_s < SHORT_LEASE_S + 0.05


@pytest.mark.parametrize("threshold", [1, 5])
def test_a_dead_agent_is_called_by_those_in_flight_and_then_once_a_period(crew, threshold):
    seen = dead_agent(crew, threshold, call_s=0.05, recovery_s=1.0, periods=3)
    assert threshold <= seen.first <= seen.allowed == PROCESSES + threshold - 1
    assert seen.most_probes_per_period == 1
    assert 2 <= seen.probes <= 3
