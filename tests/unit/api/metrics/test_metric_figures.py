"""Figures made of counts."""

from api.metrics.figures import agent_figures, recovery_figures, retry_figures
from state.metrics import Counts, less


def test_an_optional_step_that_failed_is_a_failure_and_one_that_was_never_tried_is_none():
    counts = Counts.of({("step", "x", "SUCCEEDED", "1"): 3, ("step", "x", "SUCCEEDED", "2"): 1,
                        ("step", "x", "SKIPPED", "0"): 9, ("step", "x", "SKIPPED", "2"): 1,
                        ("step", "x", "CANCELLED", "1"): 7, ("step", "x", "FAILED", "0"): 3})
    figures = agent_figures(counts, "x")
    assert figures.success_rate == 4 / 8
    assert figures.fallback_share == 0
    assert figures.retry.steps_by_tries == {"0": 3, "1": 3, "2": 2}
    assert figures.retry.success_rate == 1 / 2
    assert figures.steps["SKIPPED"] == 10


def test_agents_add_up():
    counts = Counts.of({("taken_over", "x"): 2, ("taken_over", "y"): 3, ("resent", "y"): 4,
                        ("brought_back", "x", "FAILED"): 1, ("brought_back", "y", "DEGRADED"): 3,
                        ("brought_back", "y", "CANCELLED"): 9, ("attempt", "x", "RETRYING", "7"): 5})
    recovery = recovery_figures(counts, ["x", "y"])
    assert (recovery.takeovers, recovery.resends, recovery.brought_back, recovery.recovery_rate) == (5, 4, 4, 3 / 4)
    assert retry_figures(counts, ["x", "y"]).retries == 5
    assert retry_figures(counts, ["y"]).retries == 0


def test_nothing_has_no_rates():
    figures = agent_figures(Counts.of({}), "x")
    assert figures.success_rate is None
    assert figures.retry.success_rate is None
    assert figures.recovery.recovery_rate is None
    assert figures.attempt_ms.average is None


def test_a_sum_of_times_is_no_count():
    counts = Counts.of({("attempt", "x", "FAILED", "7"): 2, ("attempt", "x", "FAILED", "ms"): 1_000})
    assert counts.at("attempt").total == counts.at("attempt", "x", "FAILED").total == 2
    assert counts.times("attempt", "x", "FAILED").mean_ms == 500
    assert counts.at("attempt", "nobody").total == 0


def test_what_came_since_never_falls():
    assert less({("a", "b"): 5, ("c", "d"): 2, ("e", "f"): 1}, {("a", "b"): 3, ("c", "d"): 7}) == {
        ("a", "b"): 2, ("e", "f"): 1}
