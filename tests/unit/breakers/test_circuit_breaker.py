"""What a process decides by itself, what it asks, and how often; the shared breaker is a circuit in this process."""

import pickle
import threading
from types import SimpleNamespace

import pytest
from circuit_store import CircuitStore, Clock

from breakers import BreakerSettings, CircuitBreaker, CircuitOpenError, CircuitState, Mode, Outcome
from breakers.errors import BreakerStoreAway
from breakers.local_view import HEALS_S, LOOK_S, REREAD_S
from breakers.scope import Span

SETTINGS = BreakerSettings(threshold=3, recovery_s=10, probe_lease_s=5, slow_call_s=2, slow_rate=0.5, slow_min_calls=4)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def store(clock):
    return CircuitStore(clock)


@pytest.fixture
def breaker(store, clock):
    return CircuitBreaker("nlp", SETTINGS, store, clock=clock)


@pytest.fixture
def other(store, clock):
    """Another process."""
    return CircuitBreaker("nlp", SETTINGS, store, clock=clock)


def call(breaker, outcome=Outcome.SUCCESS, duration_s=0.1):
    breaker.report(breaker.ask(), outcome, duration_s)


def fail(breaker, times=3):
    for _ in range(times):
        call(breaker, Outcome.FAILURE)


def refused(breaker):
    with pytest.raises(CircuitOpenError) as caught:
        breaker.ask()
    return caught.value


# --- what it costs ----------------------------------------------------------------------------------------------------


def test_a_healthy_agent_costs_one_look_per_quarter_second(breaker, store, clock):
    for _ in range(100):
        call(breaker)
        clock.now += LOOK_S / 10
    assert store.trips == 10
    clock.now += LOOK_S
    call(breaker)
    assert store.circuits["nlp"].totals["calls"] == 100  # told with the look that the last call began with


def test_a_failure_costs_one_trip_and_a_success_after_it_is_told(breaker, store):
    call(breaker)
    before = store.trips
    call(breaker, Outcome.FAILURE)
    assert store.trips == before + 1
    for _ in range(5):
        call(breaker)
    assert store.trips == before + 3  # two successes heal it, the others are nobody's news


def test_a_refusal_costs_none_and_an_open_breaker_is_read_each_second(breaker, store, clock):
    fail(breaker)
    before = store.trips
    for _ in range(100):
        assert refused(breaker).retry_after_s > 0
    assert store.trips == before
    clock.now += REREAD_S
    for _ in range(100):
        refused(breaker)
    assert store.trips == before + 1


def test_a_probe_costs_two(breaker, store, clock):
    fail(breaker)
    clock.now += 10
    before = store.trips
    call(breaker)
    assert store.trips == before + 2
    assert store.circuits["nlp"].state is CircuitState.CLOSED


# --- what is known of others ------------------------------------------------------------------------------------------


def test_another_process_s_opening_is_seen_a_quarter_second_later(breaker, other, clock):
    call(breaker)
    fail(other)
    assert breaker.ask()
    clock.now += LOOK_S
    error = refused(breaker)
    assert (error.state, error.retry_after_s) == (CircuitState.OPEN, 10 - LOOK_S)


def test_another_process_s_closing_is_seen_a_second_later(breaker, other, store, clock):
    fail(other)
    refused(breaker)
    store.circuits["nlp"].until_us = 1  # an early end, that this process cannot know of
    clock.now += REREAD_S / 2
    refused(breaker)
    clock.now += REREAD_S / 2
    assert breaker.ask().token


def test_half_open_lets_one_in_of_all(breaker, other, store, clock):
    fail(breaker)
    refused(other)
    clock.now += 10
    permit = other.ask()
    assert refused(other).state is refused(breaker).state is CircuitState.HALF_OPEN
    assert refused(other).retry_after_s == 1
    clock.now += LOOK_S * 0.9
    assert refused(other).retry_after_s == pytest.approx(1 - LOOK_S * 0.9)
    other.report(permit, Outcome.SUCCESS, 0.1)
    assert other.ask()
    clock.now += LOOK_S
    assert breaker.ask()


def test_a_dead_prober_s_place_is_taken_after_its_lease(breaker, other, clock):
    fail(breaker)
    clock.now += 10
    assert other.ask().token
    clock.now += 4.9
    refused(breaker)
    clock.now += LOOK_S
    assert breaker.ask().token


def test_results_of_an_older_period_are_not_even_told(breaker, store, clock):
    old = [breaker.ask() for _ in range(5)]
    fail(breaker)
    clock.now += 10
    call(breaker)
    before = store.trips
    for permit in old:
        breaker.report(permit, Outcome.FAILURE)
    assert store.trips == before
    assert store.circuits["nlp"].score == 0


def test_an_older_answer_that_comes_late_does_not_hide_a_newer_one(breaker, store, clock):
    call(breaker)
    clock.now += LOOK_S
    store.before_answer = lambda: fail(breaker)  # while the look's answer is on its way
    assert breaker.ask()
    assert refused(breaker).state is CircuitState.OPEN


def test_successes_that_were_not_told_heal_what_others_told(breaker, other, store, clock):
    for _ in range(3):
        call(breaker)
    fail(other, 2)
    clock.now += LOOK_S
    breaker.ask()
    assert store.circuits["nlp"].score == 0.5


def test_a_success_heals_once(breaker, other, store):
    fail(breaker, 1)
    call(breaker)
    call(breaker)
    fail(other, 2)
    breaker.flush()  # both were told as they ended
    assert store.circuits["nlp"].score == 2
    call(other)
    other.flush()
    assert store.circuits["nlp"].score == 1.5


def test_successes_heal_before_the_same_process_s_failure_counts(breaker, other, store, clock):
    permit = breaker.ask()
    for _ in range(2):
        call(breaker)
    fail(other, 2)
    breaker.report(permit, Outcome.FAILURE)
    assert (store.circuits["nlp"].state, store.circuits["nlp"].score) == (CircuitState.CLOSED, 2)


@pytest.mark.parametrize(("age", "score"), [(0.9, 0), (1.0, 2)])
def test_old_successes_say_nothing_about_failures_since(breaker, store, clock, age, score):
    for _ in range(9):
        call(breaker)
    clock.now += HEALS_S * age
    fail(CircuitBreaker("nlp", SETTINGS, store, clock=clock), 2)
    breaker.flush()
    assert store.circuits["nlp"].score == score


def test_successes_of_an_older_period_heal_none(breaker, other, store, clock):
    old = breaker.ask()
    fail(other)
    clock.now += 10
    call(other)
    breaker.report(old, Outcome.SUCCESS)
    store.before_answer = lambda: breaker.report(old, Outcome.SUCCESS)  # counted of the old period, told in the next
    breaker.ask()
    fail(other, 2)
    breaker.flush()
    assert store.circuits["nlp"].score == 2


def test_calls_that_were_ignored_or_not_judged_heal_none(breaker, other, store, clock):
    for _ in range(9):
        call(breaker, Outcome.IGNORED)
    fail(other, 2)
    breaker.flush()
    assert store.circuits["nlp"].score == 2


@pytest.mark.parametrize("processes", [2, 5])
def test_successes_delay_a_dead_agent_s_opening_once_per_process(store, clock, processes):
    fleet = [CircuitBreaker("nlp", SETTINGS, store, clock=clock) for _ in range(processes)]
    for one in fleet:
        for _ in range(50):
            call(one)
    failed = 0
    for one in fleet:  # the worst order: each heals when nearly enough have failed
        while store.circuits["nlp"].score < SETTINGS.threshold - 1:
            fail(one, 1)
            failed += 1
    fail(fleet[0], 1)
    assert refused(fleet[0])
    assert failed + 1 <= processes * (SETTINGS.threshold - 1) + SETTINGS.threshold


# --- one look at a time -----------------------------------------------------------------------------------------------


def test_who_comes_while_another_looks_goes_by_the_view_at_hand(breaker, store, clock):
    call(breaker)
    clock.now += LOOK_S
    let_through, trips = [], []

    def others():
        let_through.extend(breaker.ask() for _ in range(50))
        trips.append(store.trips)

    before = store.trips
    store.before_answer = others
    breaker.ask()
    assert (len(let_through), trips) == (50, [before + 1])


def test_who_comes_while_another_asks_for_the_probe_is_refused(breaker, store, clock):
    fail(breaker)
    clock.now += 10
    before, errors = store.trips, []
    store.before_answer = lambda: errors.extend(refused(breaker) for _ in range(50))
    assert breaker.ask().token
    assert (len(errors), store.trips) == (50, before + 1)


def test_a_look_that_never_came_back_is_forgotten(breaker, store, clock):
    call(breaker)
    clock.now += LOOK_S

    def killed(_request):
        raise SystemExit

    store.run, run = killed, store.run
    with pytest.raises(SystemExit):
        breaker.ask()
    store.run = run
    before = store.trips
    breaker.ask()
    assert store.trips == before
    clock.now += 1
    breaker.ask()
    assert store.trips == before + 1


def test_no_lock_is_held_across_a_round_trip(breaker, store, clock):
    call(breaker)
    clock.now += LOOK_S
    entered, answer = threading.Event(), threading.Event()

    def slow():
        entered.set()
        answer.wait(10)

    store.before_answer = slow
    looker = threading.Thread(target=breaker.ask)
    looker.start()
    assert entered.wait(10)
    for _ in range(100):
        call(breaker)
    assert looker.is_alive()
    answer.set()
    looker.join(10)


# --- what is counted --------------------------------------------------------------------------------------------------


def test_everything_is_counted_once(breaker, other, store, clock):
    for _ in range(7):
        call(breaker, duration_s=3)
    call(other, Outcome.IGNORED)
    fail(other)
    clock.now += LOOK_S
    for _ in range(9):
        refused(breaker)
    breaker.flush()
    other.flush()
    breaker.flush()
    assert store.circuits["nlp"].totals == {"calls": 11, "failures": 3, "refused": 9, "slow": 7}


def test_slow_calls_open_it(breaker, store, clock):
    for _ in range(4):
        call(breaker, duration_s=2.1)
    clock.now += LOOK_S
    assert refused(breaker).state is CircuitState.OPEN


def test_slow_calls_of_an_older_period_do_not(breaker, other, store, clock):
    permits = [breaker.ask() for _ in range(10)]
    fail(other)
    clock.now += 10
    call(other)
    other.flush()
    clock.now += LOOK_S
    breaker.ask()
    for permit in permits:
        breaker.report(permit, Outcome.SUCCESS, 9)
    breaker.flush()
    assert store.circuits["nlp"].state is CircuitState.CLOSED
    assert store.circuits["nlp"].totals["slow"] == 10


def test_calls_that_end_while_a_look_is_under_way_belong_to_the_period_they_were_made_in(breaker, other, store, clock):
    call(breaker)
    fail(other)
    clock.now += 10
    call(other)
    store.before_answer = lambda: [call(breaker, duration_s=9) for _ in range(10)]  # by the old view
    breaker.ask()
    breaker.flush()
    assert store.circuits["nlp"].totals["slow"] == 10
    window = store.circuits["nlp"].window
    assert (store.circuits["nlp"].state, window.calls, window.slow) == (CircuitState.CLOSED, 0, 0)


# --- modes and settings -----------------------------------------------------------------------------------------------


def test_modes_reach_every_process(breaker, other, store, clock):
    call(other)
    breaker.set_mode(Mode.FORCED_OPEN, actor="ann", reason="drill", lasts_s=30)
    clock.now += LOOK_S
    error = refused(other)
    assert (error.mode, error.retry_after_s) == (Mode.FORCED_OPEN, 30 - LOOK_S)
    breaker.set_mode(Mode.DISABLED, actor="ann", reason="drill")
    clock.now += REREAD_S
    before = store.trips
    for _ in range(20):
        call(other, Outcome.FAILURE)
    assert store.trips == before + 1
    breaker.set_mode(Mode.METRICS_ONLY, actor="ann", reason="drill")
    clock.now += LOOK_S
    fail(other, 20)
    assert store.circuits["nlp"].state is CircuitState.CLOSED
    breaker.set_mode(Mode.AUTO, actor="ann", reason="done")
    clock.now += LOOK_S
    fail(other)
    assert refused(other).mode is Mode.AUTO


def test_settings_reach_every_process(breaker, other, store, clock):
    call(other)
    breaker.set_settings(SETTINGS.model_copy(update={"threshold": 1, "slow_call_s": 60.0}), actor="ann", reason="drill")
    clock.now += LOOK_S
    call(other)
    assert other.settings.threshold == 1
    call(other, duration_s=59)
    other.flush()
    assert store.circuits["nlp"].totals["slow"] == 0
    fail(other, 1)
    assert refused(other)
    breaker.set_settings(None, actor="ann", reason="done")
    assert breaker.settings == SETTINGS


# --- health checks and retries ----------------------------------------------------------------------------------------


def test_a_health_check_closes_an_open_breaker_and_opens_none(breaker, store, clock):
    call(breaker)
    assert breaker.probe() is None
    fail(breaker)
    assert breaker.probe() is None
    clock.now += 10
    breaker.report(breaker.probe(), Outcome.FAILURE)
    assert refused(breaker).retry_after_s == 10
    clock.now += 10
    breaker.report(breaker.probe(), Outcome.SUCCESS)
    assert breaker.ask()


def test_an_empty_retry_budget_costs_no_trip_while_the_view_is_young(breaker, store, clock):
    assert [breaker.take_retry() for _ in range(11)] == [True] * 10 + [False]
    before = store.trips
    assert not breaker.take_retry()
    assert store.trips == before
    for _ in range(5):
        call(breaker)
    clock.now += LOOK_S
    assert breaker.take_retry()
    assert store.circuits["nlp"].retries == 11


# --- while the shared breaker is away ---------------------------------------------------------------------------------


def test_calls_go_on_by_the_same_rules(breaker, store, clock):
    call(breaker)
    store.away = True
    clock.now += LOOK_S
    for _ in range(10):
        call(breaker)
    fail(breaker)
    assert refused(breaker).retry_after_s == 10
    clock.now += 10
    call(breaker)
    call(breaker)


def test_a_process_that_never_saw_it_is_let_through(breaker, store):
    store.away = True
    call(breaker)
    assert breaker.take_retry()
    assert breaker.probe() is None


def test_while_it_is_away_it_is_tried_once_a_second(breaker, store, clock):
    call(breaker)
    store.away = True
    clock.now += LOOK_S
    before = store.trips
    for _ in range(40):
        call(breaker)
        clock.now += 0.1
    assert store.trips - before == 4


def test_what_was_seen_last_goes_on(breaker, store, clock):
    fail(breaker)
    store.away = True
    clock.now += REREAD_S
    assert refused(breaker).retry_after_s == pytest.approx(9)
    clock.now += 9
    assert breaker.ask().local


@pytest.mark.parametrize("mode", [Mode.FORCED_OPEN, Mode.DISABLED])
def test_an_operator_s_word_goes_on_until_it_expires(breaker, store, clock, mode):
    breaker.set_mode(mode, actor="ann", reason="drill", lasts_s=8)
    store.away = True
    clock.now += REREAD_S
    if mode is Mode.DISABLED:
        fail(breaker, 20)
    else:
        refused(breaker)
    clock.now += 7
    fail(breaker)
    assert refused(breaker).mode is Mode.AUTO


def test_when_it_is_back_it_wins_and_nothing_counts_twice(breaker, store, clock):
    call(breaker)
    permit = breaker.ask()
    store.away = True
    clock.now += LOOK_S
    fail(breaker)
    refused(breaker)
    store.away = False
    clock.now += REREAD_S
    call(breaker)
    assert (store.circuits["nlp"].state, store.circuits["nlp"].score) == (CircuitState.CLOSED, 0)
    breaker.report(permit, Outcome.FAILURE, 0.1)
    assert store.circuits["nlp"].score == 1
    breaker.flush()
    totals = store.circuits["nlp"].totals
    # The first call was in the request that got lost: told at most once.
    assert (totals["calls"], totals["failures"], totals["refused"]) == (5, 4, 1)


def test_a_result_of_the_twin_s_own_permit_is_not_told_to_the_shared_one(breaker, store, clock):
    call(breaker)
    store.away = True
    clock.now += LOOK_S
    permits = [breaker.ask() for _ in range(5)]
    assert all(permit.local for permit in permits)
    store.away = False
    clock.now += REREAD_S
    breaker.ask()
    before = store.trips
    for permit in permits:
        breaker.report(permit, Outcome.FAILURE, 0.1)
    assert (store.trips, store.circuits["nlp"].score) == (before, 0)


def test_counts_survive_an_absence_and_its_tries(breaker, store, clock):
    call(breaker)
    breaker.flush()
    store.away = True
    clock.now += LOOK_S
    for _ in range(30):
        call(breaker)
        clock.now += 0.1
    store.away = False
    clock.now += REREAD_S
    call(breaker)
    breaker.flush()
    assert store.circuits["nlp"].totals["calls"] == 32


def test_successes_of_calls_that_began_before_it_went_away_heal_the_twin(breaker, store, clock):
    permits = [breaker.ask() for _ in range(8)]
    store.away = True
    clock.now += LOOK_S
    breaker.ask()
    outcomes = [Outcome.FAILURE] * 2 + [Outcome.SUCCESS] * 4 + [Outcome.FAILURE] * 2
    for permit, outcome in zip(permits, outcomes, strict=True):
        breaker.report(permit, outcome, 0.1)
    assert breaker.ask().local


def test_successes_from_before_it_went_away_heal_none_after(breaker, other, store, clock):
    call(breaker)
    permits = [breaker.ask() for _ in range(9)]
    clock.now += LOOK_S
    store.before_answer = lambda: [breaker.report(permit, Outcome.SUCCESS) for permit in permits]
    run, store.run = store.run, lambda request: (run(request), store_lost())

    def store_lost():
        raise BreakerStoreAway("the answer got lost")

    breaker.ask()
    store.run = run
    fail(other, 2)
    clock.now += REREAD_S
    breaker.ask()
    breaker.flush()
    assert store.circuits["nlp"].score == 2


def test_nobody_is_told_to_come_back_at_once(breaker, store, clock):
    fail(breaker)
    clock.now += 9.9
    assert refused(breaker).retry_after_s == LOOK_S


def test_a_failure_that_could_not_be_told_counts_for_the_twin(breaker, store):
    permits = [breaker.ask() for _ in range(3)]
    store.away = True
    for permit in permits:
        breaker.report(permit, Outcome.FAILURE, 0.1)
    refused(breaker)


def test_failures_of_calls_that_began_before_it_went_away_open_the_twin(breaker, store, clock):
    permits = [breaker.ask() for _ in range(3)]
    store.away = True
    clock.now += LOOK_S
    breaker.ask()
    for permit in permits:
        breaker.report(permit, Outcome.FAILURE, 0.1)
    refused(breaker)


# --- how it is used ---------------------------------------------------------------------------------------------------


def test_a_call_is_judged_by_its_exception_or_by_what_its_body_says(store, clock):
    def judge(error):
        return Outcome.FAILURE if isinstance(error, OSError) else Outcome.IGNORED

    breaker = CircuitBreaker("nlp", SETTINGS, store, judge, clock)
    with pytest.raises(OSError, match="gone"), breaker.calling():
        raise OSError("gone")
    with pytest.raises(KeyError), breaker.calling():
        raise KeyError
    assert store.circuits["nlp"].score == 1
    with breaker.calling() as span:
        span.failed()
    assert store.circuits["nlp"].score == 2
    for say in (Span.ignore, Span.succeeded):
        with pytest.raises(OSError, match="gone"), breaker.calling() as span:  # noqa: PT012 - the span is what is tested
            say(span)
            raise OSError("gone")
    assert store.circuits["nlp"].score == 1.5


def test_being_killed_says_nothing_about_the_agent_and_frees_a_probe(breaker, store, clock):
    fail(breaker)
    clock.now += 10
    with pytest.raises(KeyboardInterrupt), breaker.calling():
        raise KeyboardInterrupt
    assert store.circuits["nlp"].state is CircuitState.HALF_OPEN
    assert not store.circuits["nlp"].probes


def test_the_decorator(breaker):
    @breaker.guard
    def divide(a, b):
        """Divide."""
        return a / b

    assert (divide(6, b=3), divide.__doc__) == (2, "Divide.")
    for _ in range(3):
        with pytest.raises(ZeroDivisionError):
            divide(1, 0)
    with pytest.raises(CircuitOpenError):
        divide(6, 3)


def test_a_span_measures_its_call(breaker, store, clock, monkeypatch):
    times = iter([0.0, 9.0])
    monkeypatch.setattr("breakers.breaker.time", SimpleNamespace(perf_counter=lambda: next(times)))
    with breaker.calling():
        pass
    breaker.flush()
    assert store.circuits["nlp"].totals["slow"] == 1


def test_a_refusal_travels_between_processes(breaker):
    fail(breaker)
    error = refused(breaker)
    again = pickle.loads(pickle.dumps(error))  # noqa: S301
    assert (str(again), again.retry_after_s, again.state) == (str(error), 10, CircuitState.OPEN)
    assert "nlp is OPEN" in str(error)
