"""The breaker on a real Valkey: greenlets, forks, an event loop, operators, and Valkey going away and coming back."""

import asyncio
import json
import os
import secrets
import subprocess
import sys
import time

import pytest

from breakers import AsyncCircuitBreaker, BreakerSettings, CircuitBreaker, CircuitOpenError, CircuitState, Mode, Outcome
from breakers.errors import BreakerStoreAway
from breakers.local_view import LOOK_S, REREAD_S
from breakers.model import Why
from breakers.store import ANSWER_TIMEOUT_S, AsyncStore, Store
from core.settings import ROOT
from tests.processes import free_ports, wait_for

SETTINGS = BreakerSettings(threshold=3, recovery_s=30)


@pytest.fixture
def store(valkey):
    store = Store(valkey.url)
    yield store
    store.close()


@pytest.fixture
def name():
    return f"data:{secrets.token_hex(4)}"


@pytest.fixture
def breaker(store, name):
    return CircuitBreaker(name, SETTINGS, store)


def fail(breaker, times=3):
    for _ in range(times):
        breaker.report(breaker.ask(), Outcome.FAILURE)


def refused(breaker):
    try:
        breaker.report(breaker.ask(), Outcome.IGNORED)
    except CircuitOpenError:
        return True
    return False


# --- gevent -----------------------------------------------------------------------------------------------------------


def greenlets(valkey, name, *, count, seconds, kind, call_s, processes=1):
    told = [name, *map(str, (count, seconds, kind, call_s))]
    command = [sys.executable, "-m", "tests.breaker_greenlets", valkey.url, *told]
    running = [subprocess.Popen(command, cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE) for _ in range(processes)]
    for one in running:
        assert one.stdout.readline() == "ready\n", one.communicate()[1]
    for one in running:
        one.stdin.write("go\n")
        one.stdin.flush()
    ended = [one.communicate() for one in running]
    assert [one.returncode for one in running] == [0] * processes, ended
    return [json.loads(out) for out, _ in ended]


def test_two_hundred_greenlets_of_a_healthy_agent_look_four_times_a_second_one_at_a_time(valkey, name):
    (seen,) = greenlets(valkey, name, count=200, seconds=2, kind="healthy", call_s=0.02)
    assert len(seen["calls"]) > 2_000
    assert 4 <= seen["trips"] <= 2 * 4 + 1
    assert seen["most_under_way"] == 1


def test_two_processes_of_a_hundred_greenlets_and_a_dead_agent(valkey, name):
    call_s, count = 0.2, 100
    seen = greenlets(valkey, name, count=count, seconds=2, kind="failing", call_s=call_s, processes=2)
    calls = [stamp for one in seen for stamp in one["calls"]]
    arrivals = 2 * count * LOOK_S / call_s
    assert 5 <= len(calls) <= 2 * count + 5 + arrivals


# --- forks ------------------------------------------------------------------------------------------------------------


def test_a_forked_child_tells_nothing_of_its_parent_s(breaker, store):
    for _ in range(5):
        breaker.report(breaker.ask(), Outcome.SUCCESS)
    child = os.fork()
    if child == 0:
        status = 1
        try:
            breaker.report(breaker.ask(), Outcome.SUCCESS)
            breaker.flush()
            status = 0
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    breaker.flush()
    assert breaker.status().totals.calls == 6


# --- an event loop ----------------------------------------------------------------------------------------------------


def test_an_event_loop_shares_it_with_threads(valkey, breaker, name):
    async def story():
        store = AsyncStore(valkey.url)
        mine = AsyncCircuitBreaker(name, SETTINGS, store)

        @mine.guard
        async def divide(a, b):
            return a / b

        assert await asyncio.gather(*(divide(4, 2) for _ in range(50))) == [2] * 50
        for _ in range(3):
            with pytest.raises(ZeroDivisionError):
                await divide(1, 0)
        with pytest.raises(CircuitOpenError) as caught:
            await divide(4, 2)
        assert refused(breaker)
        assert await mine.probe() is None
        assert await mine.take_retry()
        status = await mine.status()
        await mine.set_mode(Mode.DISABLED, actor="ann", reason="drill", lasts_s=60)
        assert await divide(4, 2) == 2
        await mine.set_mode(Mode.AUTO, actor="ann", reason="done")
        await mine.set_settings(SETTINGS.model_copy(update={"threshold": 1}), actor="ann", reason="drill")
        assert (await mine.status()).settings_changed
        await mine.flush()
        assert name in await store.names()
        assert [event.why for event in await store.last_events(4)] == [Why.SETTINGS, Why.MODE, Why.MODE, Why.FAILURES]
        assert (await store.events(limit=1))[0].id <= (await store.last_events(1))[0].id
        await store.close()
        return caught.value, status

    error, status = asyncio.run(story())
    assert 29 < error.retry_after_s <= 30
    assert (status.state, status.totals.failures, status.totals.calls) == (CircuitState.OPEN, 3, 53)
    assert breaker.status().settings.threshold == 1


# --- operators --------------------------------------------------------------------------------------------------------


def test_the_status_tells_all(breaker, store, name):
    fail(breaker)
    assert refused(breaker)
    status = breaker.status()
    assert (status.state, status.why, status.score, status.mode.mode) == (
        CircuitState.OPEN, Why.FAILURES, 0, Mode.AUTO)
    assert status.until_ms - status.since_ms == 30_000
    assert 29 < status.retry_after_s <= 30
    assert (status.totals.calls, status.totals.failures, status.totals.refused, status.totals.opened) == (3, 3, 1, 1)
    (opened,) = status.last_events
    assert (opened.why, opened.before, opened.after, opened.score, opened.breaker) == (
        Why.FAILURES, CircuitState.CLOSED, CircuitState.OPEN, 3, name)
    assert opened.at_ms == pytest.approx(status.since_ms, abs=50)

    breaker.set_mode(Mode.FORCED_OPEN, actor="ann", reason="agent is being moved", lasts_s=60)
    status = breaker.status()
    mode = status.mode
    assert (mode.mode, mode.actor, mode.reason) == (Mode.FORCED_OPEN, "ann", "agent is being moved")
    assert 59 < status.retry_after_s <= 60
    assert [event.why for event in store.events(after=opened.id)] == [Why.MODE]
    assert name in store.names()


def test_a_probe_that_is_out_is_shown(store, name):
    quick = CircuitBreaker(name, SETTINGS.model_copy(update={"recovery_s": 0.01}), store)
    fail(quick)
    wait_for(lambda: not refused(quick), "the period to end")
    fail(quick, 0)
    assert quick.ask().token
    status = quick.status()
    assert (status.state, len(status.probes)) == (CircuitState.HALF_OPEN, 1)
    assert status.probes[0].until_ms - status.since_ms == pytest.approx(60_000, abs=1_000)


# --- Valkey away and back ---------------------------------------------------------------------------------------------


def test_valkey_goes_away_and_comes_back(valkey, breaker, store, name):
    breaker.report(breaker.ask(), Outcome.SUCCESS)
    breaker.flush()
    valkey.kill()
    with pytest.raises(BreakerStoreAway):
        breaker.status()
    for _ in range(20):
        breaker.report(breaker.ask(), Outcome.SUCCESS)
    fail(breaker, 2)
    breaker.report(breaker.ask(), Outcome.SUCCESS)
    fail(breaker, 2)
    assert refused(breaker)  # by this process alone
    valkey.start()
    valkey.ready()
    wait_for(lambda: not refused(breaker), "the shared breaker, which never opened, to be asked", REREAD_S + 5)
    status = breaker.status()
    assert (status.state, status.score) == (CircuitState.CLOSED, 0)
    # What the request that met the absence carried is told at most once, so it is missing, and nothing is there twice.
    assert 3 <= status.totals.failures <= 4
    assert status.totals.calls <= 27
    breaker.flush()
    assert breaker.status().totals == status.totals
    assert all(event.breaker != name for event in store.last_events())


def test_valkey_comes_back_open(valkey, breaker, name):
    fail(breaker)
    valkey.kill()
    stranger = CircuitBreaker(name, SETTINGS, Store(valkey.url))
    for _ in range(50):
        assert refused(breaker)  # what was seen last goes on
    assert not refused(stranger)  # who never saw it lets calls go on
    valkey.start()
    valkey.ready()
    wait_for(lambda: refused(stranger), "the shared breaker to win", REREAD_S + 5)
    assert stranger.status().state is CircuitState.OPEN


def test_a_valkey_that_hangs_is_waited_for_once_and_shortly(valkey, breaker):
    breaker.report(breaker.ask(), Outcome.SUCCESS)
    valkey.client.client_pause(3_000)
    began = time.monotonic()
    for _ in range(100):
        breaker.report(breaker.ask(), Outcome.SUCCESS)
    breaker.report(breaker.ask(), Outcome.FAILURE)
    assert time.monotonic() - began < ANSWER_TIMEOUT_S + 0.5
    valkey.client.client_unpause()


def test_an_event_loop_goes_on_without_valkey(name):
    async def story():
        store = AsyncStore(f"redis://127.0.0.1:{free_ports(1)[0]}/0")
        breaker = AsyncCircuitBreaker(name, SETTINGS, store)
        for _ in range(3):
            async with breaker.calling() as span:
                span.failed()
        with pytest.raises(CircuitOpenError):
            await breaker.ask()
        assert await breaker.probe() is None
        assert await breaker.take_retry()
        with pytest.raises(BreakerStoreAway):
            await breaker.set_mode(Mode.AUTO, actor="ann", reason="drill")
        await store.close()

    asyncio.run(story())


def test_an_error_of_valkey_s_is_no_outage_of_the_agent(valkey, breaker):
    valkey.client.config_set("maxmemory", "1")
    try:
        for _ in range(5):
            breaker.report(breaker.ask(), Outcome.SUCCESS)
    finally:
        valkey.client.config_set("maxmemory", "0")


# --- rubbish ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("field", "rubbish"), [
    ("state", "ajar"), ("state", ""), ("mode", "{"), ("mode", ""), ("generation", "x"), ("generation", "1.5"),
    ("score", "NaN"), ("score", "1e999"), ("tokens", "0x10"), ("calls", "9" * 30), ("calls", b"\xff"),
    ("settings", "[[["), ("settings", "5"), ("settings", '{"threshold": "many"}'), ("settings", "[" * 5_000),
    ("settings", '{"recovery_s": 1e999}')])
def test_rubbish_in_its_hash_begins_it_anew(store, name, field, rubbish):
    breaker = CircuitBreaker(name, SETTINGS, store)
    fail(breaker)
    store.client.hset(f"baton:breaker:{name}", field, rubbish)
    fresh = CircuitBreaker(name, SETTINGS, store)
    assert not refused(fresh)
    status = fresh.status()
    assert (status.state, status.why, status.score, status.totals.opened) == (CircuitState.CLOSED, Why.NEW, 0, 0)
    fail(fresh)
    assert refused(fresh)


@pytest.mark.parametrize("stored", ['{"threshold": 0}', '{"threshold": 2.5}', '{"first_open_s": 99}'])
def test_settings_out_of_bounds_are_ignored(store, name, stored):
    breaker = CircuitBreaker(name, SETTINGS, store)
    fail(breaker)
    store.client.hset(f"baton:breaker:{name}", "settings", stored)
    assert refused(breaker)
    assert breaker.status().settings == SETTINGS


def test_a_key_of_another_type_begins_it_anew(store, name):
    store.client.set(f"baton:breaker:{name}", "x")
    breaker = CircuitBreaker(name, SETTINGS, store)
    fail(breaker)
    assert refused(breaker)
    assert breaker.status().why is Why.FAILURES


@pytest.mark.parametrize(("field", "rubbish"), [("why", "no reason"), ("actor", b"\xff"), ("reason", b"\xff")])
def test_words_out_of_shape_are_shown_as_far_as_they_can_be(store, name, field, rubbish):
    breaker = CircuitBreaker(name, SETTINGS, store)
    fail(breaker)
    store.client.hset(f"baton:breaker:{name}", field, rubbish)
    assert breaker.status().state is CircuitState.OPEN
