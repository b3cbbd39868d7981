"""The rules, one by one; that the script has the same ones is tests/integration/test_breaker_machine.py's matter."""

import pytest

from breakers.circuit import Circuit
from breakers.model import SECOND_US, CircuitState, Mode, Outcome, Tally, Verdict, Why
from breakers.settings import BreakerSettings

SETTINGS = BreakerSettings(threshold=3, recovery_s=10, probe_lease_s=5)


class Bench:
    """A circuit and the time."""

    def __init__(self, **changes):
        self.circuit = Circuit(SETTINGS.model_copy(update=changes))
        self.now = 1_000 * SECOND_US
        self.tokens = 0

    def after(self, seconds):
        self.now += round(seconds * SECOND_US)
        return self

    def ask(self):
        self.tokens += 1
        answer = self.circuit.ask(self.now, f"t{self.tokens}")
        return answer.verdict, (answer.view.generation, f"t{self.tokens}")

    def report(self, permit, outcome):
        return self.circuit.report(self.now, *permit, outcome).verdict

    def call(self, outcome):
        _, permit = self.ask()
        return self.report(permit, outcome)

    def fail(self, times):
        for _ in range(times):
            self.call(Outcome.FAILURE)
        return self

    @property
    def state(self):
        return self.circuit.state


@pytest.mark.parametrize("before", [0, 1, 5, 100])
def test_threshold_failures_in_a_row_always_open(before):
    bench = Bench()
    for _ in range(before):
        bench.call(Outcome.SUCCESS)
    bench.fail(2)
    assert bench.state is CircuitState.CLOSED
    bench.fail(1)
    assert (bench.state, bench.circuit.why) == (CircuitState.OPEN, Why.FAILURES)


def test_two_successes_heal_one_failure_and_health_cannot_be_saved_up():
    bench = Bench()
    for outcome, score in ((Outcome.SUCCESS, 0), (Outcome.FAILURE, 1), (Outcome.FAILURE, 2), (Outcome.SUCCESS, 1.5),
                           (Outcome.IGNORED, 1.5), (Outcome.SUCCESS, 1), (Outcome.SUCCESS, 0.5), (Outcome.SUCCESS, 0),
                           (Outcome.SUCCESS, 0)):
        bench.call(outcome)
        assert bench.circuit.score == score


def test_successes_that_a_tally_tells_heal_before_the_report_counts():
    bench = Bench().fail(2)
    permit, generation = bench.ask()[1], bench.circuit.generation
    for successes, score in ((1, 2.5), (3, 2), (100, 1)):
        bench.circuit.report(bench.now, *permit, Outcome.FAILURE, Tally(generation, untold_successes=successes))
        assert (bench.state, bench.circuit.score) == (CircuitState.CLOSED, score)
    bench.fail(2)
    assert bench.state is CircuitState.OPEN


def test_successes_of_an_older_period_heal_nothing():
    bench = Bench().fail(3).after(10)
    old = bench.circuit.generation
    bench.call(Outcome.SUCCESS)
    bench.fail(2)
    bench.circuit.look(bench.now, Tally(old, untold_successes=9))
    assert bench.circuit.score == 2
    bench.circuit.look(bench.now, Tally(bench.circuit.generation, untold_successes=9))
    assert bench.circuit.score == 0


def test_successes_of_a_tally_heal_in_metrics_only_too():
    bench = Bench()
    bench.circuit.set_mode(bench.now, Mode.METRICS_ONLY, "ann", "drill", 0)
    bench.fail(2)
    bench.circuit.look(bench.now, Tally(bench.circuit.generation, 3, untold_successes=3))
    assert bench.circuit.score == 0.5


def test_half_the_calls_failing_opens_and_a_fifth_does_not():
    one_of_two, one_of_five = Bench(), Bench()
    for number in range(100):
        one_of_five.call(Outcome.FAILURE if number % 5 == 0 else Outcome.SUCCESS)
    assert one_of_five.state is CircuitState.CLOSED
    for number in range(10):
        one_of_two.call(Outcome.FAILURE if number % 2 == 0 else Outcome.SUCCESS)
    assert one_of_two.state is CircuitState.OPEN


def test_nobody_is_let_in_before_its_time_and_then_one():
    bench = Bench().fail(3).after(9.999999)
    assert bench.ask()[0] is Verdict.REFUSED
    bench.after(0.000001)
    assert [bench.ask()[0] for _ in range(3)] == [Verdict.PROBE, Verdict.REFUSED, Verdict.REFUSED]
    assert bench.state is CircuitState.HALF_OPEN


def test_a_good_probe_closes_and_a_bad_one_opens_for_another_period():
    bench = Bench().fail(3).after(10)
    bench.call(Outcome.FAILURE)
    assert (bench.state, bench.circuit.why) == (CircuitState.OPEN, Why.PROBE_FAILED)
    assert bench.after(9.9).ask()[0] is Verdict.REFUSED
    bench.after(0.1).call(Outcome.SUCCESS)
    assert (bench.state, bench.circuit.why, bench.circuit.score) == (CircuitState.CLOSED, Why.PROBES_PASSED, 0)


def test_a_probe_that_says_nothing_gives_its_place_back():
    bench = Bench().fail(3).after(10)
    bench.call(Outcome.IGNORED)
    assert bench.state is CircuitState.HALF_OPEN
    assert bench.ask()[0] is Verdict.PROBE


def test_a_dead_prober_s_place_is_free_when_its_lease_ends_and_its_late_word_counts_no_more():
    bench = Bench().fail(3).after(10)
    _, dead = bench.ask()
    assert bench.after(4.999999).ask()[0] is Verdict.REFUSED
    verdict, next_one = bench.after(0.000001).ask()
    assert verdict is Verdict.PROBE
    assert bench.report(dead, Outcome.SUCCESS) is Verdict.EXPIRED
    assert bench.state is CircuitState.HALF_OPEN
    assert bench.report(next_one, Outcome.SUCCESS) is Verdict.COUNTED
    assert bench.state is CircuitState.CLOSED


def test_results_of_an_older_generation_change_nothing():
    bench = Bench()
    old = [bench.ask()[1] for _ in range(10)]
    bench.fail(3).after(10).call(Outcome.SUCCESS)
    assert [bench.report(permit, Outcome.FAILURE) for permit in old] == [Verdict.STALE] * 10
    assert (bench.state, bench.circuit.score) == (CircuitState.CLOSED, 0)


def test_several_permits_are_several_probes_and_as_many_successes():
    bench = Bench(permits=2).fail(3).after(10)
    (_, one), (_, two) = bench.ask(), bench.ask()
    assert bench.ask()[0] is Verdict.REFUSED
    bench.report(one, Outcome.SUCCESS)
    assert bench.state is CircuitState.HALF_OPEN
    assert bench.ask()[0] is Verdict.REFUSED
    bench.report(two, Outcome.SUCCESS)
    assert bench.state is CircuitState.CLOSED


def test_a_first_open_period_may_be_shorter_and_doubles():
    bench = Bench(first_open_s=2.0).fail(3)
    lengths = []
    for _ in range(4):
        lengths.append((bench.circuit.until_us - bench.now) / SECOND_US)
        bench.after(lengths[-1]).call(Outcome.FAILURE)
    assert lengths == [2, 4, 8, 10]
    bench.after(10).call(Outcome.SUCCESS)
    bench.fail(3)
    assert bench.circuit.until_us - bench.now == 2 * SECOND_US


def test_slow_calls_open_it_when_there_are_enough():
    bench = Bench(slow_rate=0.5, slow_min_calls=10, slow_window_s=60.0)

    def tell(calls, slow, generation=None):
        generation = bench.circuit.generation if generation is None else generation
        bench.circuit.look(bench.now, Tally(generation, calls, slow, calls=calls, slow=slow))

    bench.ask()
    tell(9, 9)
    assert bench.state is CircuitState.CLOSED
    tell(50, 50, generation=1)  # of another period
    assert bench.state is CircuitState.CLOSED
    bench.after(61)
    tell(9, 0)  # by now the first nine are forgotten
    tell(9, 8)
    assert bench.state is CircuitState.CLOSED
    tell(1, 1)
    assert bench.state is CircuitState.CLOSED
    tell(1, 1)
    assert (bench.state, bench.circuit.why) == (CircuitState.OPEN, Why.SLOW_CALLS)
    assert bench.circuit.totals["slow"] == 9 + 50 + 10


def test_the_window_is_one_across_its_halves_border():
    bench = Bench(slow_rate=1.0, slow_min_calls=10, slow_window_s=60.0)
    bench.ask()
    for seconds in (29, 2):
        bench.after(seconds)
        bench.circuit.look(bench.now, Tally(bench.circuit.generation, 5, 5, calls=5))
    assert bench.state is CircuitState.OPEN


def test_modes():
    bench = Bench().fail(3)
    bench.circuit.set_mode(bench.now, Mode.DISABLED, "ann", "drill", 0)
    assert bench.ask()[0] is Verdict.CALL
    assert bench.call(Outcome.FAILURE) is Verdict.UNJUDGED
    bench.circuit.set_mode(bench.now, Mode.METRICS_ONLY, "ann", "drill", 0)
    bench.fail(7)
    assert bench.ask()[0] is Verdict.CALL
    assert bench.circuit.history.count(Why.WOULD_OPEN_FAILURES) == 2
    bench.circuit.set_mode(bench.now, Mode.FORCED_OPEN, "ann", "drill", 5 * SECOND_US)
    assert bench.after(4.9).ask()[0] is Verdict.REFUSED
    assert bench.after(0.1).ask()[0] is Verdict.CALL
    assert (bench.circuit.mode, bench.circuit.why, bench.circuit.actor) == (Mode.AUTO, Why.MODE_EXPIRED, "")


def test_a_health_check_gets_a_probe_only_while_one_is_waited_for():
    bench = Bench()
    probe = lambda: bench.circuit.probe(bench.now, "health").verdict  # noqa: E731
    assert probe() is Verdict.REFUSED
    bench.fail(3)
    assert probe() is Verdict.REFUSED
    bench.after(10)
    assert probe() is Verdict.PROBE
    bench.report((bench.circuit.generation, "health"), Outcome.SUCCESS)
    assert bench.state is CircuitState.CLOSED


def test_settings_may_change_at_run_time_and_go_back():
    bench = Bench().fail(2)
    bench.circuit.set_settings(bench.now, SETTINGS.model_copy(update={"threshold": 10}).wire)
    bench.fail(5)
    assert bench.state is CircuitState.CLOSED
    bench.circuit.set_settings(bench.now, "")
    assert bench.fail(1).state is CircuitState.OPEN


def test_fewer_permits_than_have_passed_close_it():
    bench = Bench(permits=3).fail(3).after(10)
    bench.call(Outcome.SUCCESS)
    bench.circuit.set_settings(bench.now, SETTINGS.wire)
    assert bench.state is CircuitState.CLOSED


def test_the_retry_budget_is_a_share_of_calls_and_a_reserve_that_time_refills():
    bench = Bench(retry_ratio=0.2, retry_reserve=2, retry_max=5)

    def taken():
        count = 0
        while bench.circuit.take_retry(bench.now).verdict is Verdict.GRANTED:
            count += 1
        return count

    assert taken() == 2
    bench.circuit.look(bench.now, Tally(calls=14))
    assert taken() == 2  # 2.8 tokens
    assert bench.after(30).circuit.budget.tokens < 1
    assert taken() == 1  # 0.8 and half the reserve
    bench.after(3600)
    assert taken() == 2
    bench.circuit.look(bench.now, Tally(calls=1000))
    assert taken() == 5
