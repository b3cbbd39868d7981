"""The script against the Python circuit: any operations in any order, by callers with different settings, at any time.

The script's one read of the clock is replaced by a key that the test sets, so both tell the same time to the
microsecond. Beside the comparison stand the invariants, which know neither of the two.
"""

import copy
import secrets
from collections import Counter

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from breakers import keys
from breakers.circuit import Circuit
from breakers.events import events_of
from breakers.model import CircuitState, Mode, Outcome, Permit, Tally, Verdict, Why, to_us
from breakers.request import Requests, answer_of, source
from breakers.settings import BreakerSettings
from breakers.store import Store
from core.valkey import sync_client

CLOCK = "test:clock"
TIME = "redis.call('TIME')"
BASES = (
    BreakerSettings(threshold=3, recovery_s=10, permits=1, probe_lease_s=4, slow_rate=0.5, slow_min_calls=4,
                    slow_window_s=8, retry_ratio=0.2, retry_reserve=2, retry_max=3),
    BreakerSettings(threshold=2, recovery_s=20, first_open_s=5, permits=2, probe_lease_s=30, slow_rate=1.0,
                    slow_min_calls=2, slow_window_s=3, retry_ratio=0.5, retry_reserve=0, retry_max=1),
    BreakerSettings(threshold=1, recovery_s=6, first_open_s=3, max_open_s=24, permits=3, probe_lease_s=3,
                    slow_min_calls=3, slow_rate=1 / 3, retry_reserve=1, retry_max=1),
)
FIELDS = ("state", "why", "mode", "actor", "reason", "generation", "score", "until_us", "since_us", "reopened",
          "passed", "mode_until_us", "opened", "retries")
WINDOW = ("half_us", "calls_0", "slow_0", "calls_1", "slow_1")
ADMITTED = (Verdict.CALL, Verdict.PROBE)
bases = st.sampled_from((BASES[0],) * 4 + BASES)
outcomes = st.sampled_from([Outcome.SUCCESS, Outcome.FAILURE, Outcome.FAILURE, Outcome.IGNORED])
untold = st.sampled_from([0, 0, 0, 1, 2, 9])


class Breaker(RuleBasedStateMachine):
    client: object
    reached: Counter

    def __init__(self):
        super().__init__()
        self.name = f"data:{secrets.token_hex(6)}"
        self.now_us = 1_800_000_000_000_000
        self.circuit = Circuit(BASES[0])
        self.script = self.client.register_script(source().replace(TIME, f"redis.call('LRANGE', '{CLOCK}', 0, 1)"))
        self.permits = []
        self.out = {}  # probes granted, not yet reported: token -> (generation, deadline)
        self.not_before = 0
        self.failures = Counter()
        self.in_a_row = 0  # failures that the script heard without any success between them
        self.lost = set()  # generations of hashes that were lost
        self.last_view = None
        self.begun = False
        self.calls = 0

    @property
    def rare(self):
        """Whether an operator or a loss may come in: seldom, or nothing else ever gets anywhere."""
        return self.calls % 9 == 8

    # --- asking both --------------------------------------------------------------------------------------------------

    def both(self, request, ask_circuit):
        self.client.delete(CLOCK)
        self.client.rpush(CLOCK, self.now_us // 1_000_000, self.now_us % 1_000_000)
        answer = answer_of(self.script(keys=request.keys, args=request.args))
        self.circuit.base = request.base
        assert answer == ask_circuit()
        self.begun = True
        self.calls += 1
        self.reached[answer.verdict] += 1
        self.reached[answer.view.state] += 1
        self.reached[answer.view.mode] += 1
        self.check(answer)
        return answer

    def check(self, answer):
        """The invariants, by what was answered before."""
        view, before = answer.view, self.last_view
        self.last_view = view
        if before and view.generation != before.generation and view.generation not in self.lost:
            assert view.generation > before.generation or before.generation in self.lost
        if view.mode is Mode.FORCED_OPEN:
            assert answer.verdict not in ADMITTED
        if answer.verdict in ADMITTED and view.mode is Mode.AUTO:
            assert self.now_us >= self.not_before, "let in before its time"
        if view.mode is not Mode.AUTO or view.state is CircuitState.CLOSED:
            self.not_before = 0
        elif view.state is CircuitState.OPEN and not self.not_before:
            self.not_before = self.now_us + view.wait_us
        elif view.state is CircuitState.HALF_OPEN:
            self.not_before = 0

    def requests(self, base):
        return Requests(self.name, base)

    # --- what may happen ----------------------------------------------------------------------------------------------

    @initialize(mode=st.sampled_from([Mode.AUTO, Mode.AUTO, Mode.AUTO, Mode.METRICS_ONLY]))
    def some_begin_on_trial(self, mode):
        if mode is not Mode.AUTO:
            self.set_mode(mode, None)

    @rule(data=st.data())
    def time_passes(self, data):
        """By any amount, and often to the edge of something."""
        circuit = self.circuit
        edges = [circuit.until_us, circuit.mode_until_us, *circuit.probes.values(),
                 circuit.window.half_us + to_us(circuit.settings.slow_window_s / 2)]
        ahead = sorted({edge + off - self.now_us for edge in edges for off in (-1, 0, 1)})
        near = [step for step in ahead if step > 0]
        self.now_us += data.draw(st.sampled_from([1, 250_000, 1_000_000, *near, *near]))

    @rule(base=bases, health_check=st.booleans())
    def ask(self, base, health_check):
        token = f"token-{self.calls:04d}"
        if health_check:
            answer = self.both(self.requests(base).probe(token), lambda: self.circuit.probe(self.now_us, token))
            assert answer.verdict is not Verdict.CALL
        else:
            answer = self.both(self.requests(base).ask(token), lambda: self.circuit.ask(self.now_us, token))
        if answer.verdict not in ADMITTED:
            return
        generation = answer.view.generation
        if answer.verdict is Verdict.PROBE:
            self.reached["probe of a health check"] += health_check
            live = [t for t, (g, until) in self.out.items() if g == generation and until > self.now_us]
            dead = [t for t, (g, until) in self.out.items() if g == generation and until <= self.now_us]
            self.reached["probe after one that died"] += bool(dead)
            assert len(live) < self.circuit.settings.permits, "more probes than permits"
            self.out[token] = (generation, self.now_us + to_us(self.circuit.settings.probe_lease_s))
        self.permits.append(Permit(generation, token if answer.verdict is Verdict.PROBE else ""))

    @rule(data=st.data(), base=bases, outcome=outcomes, current=st.booleans(), successes=untold)
    def report(self, data, base, outcome, current, successes):
        """Of any permit that was ever given, mostly the last, also a second time."""
        if not self.permits:
            return
        permit = data.draw(st.sampled_from(self.permits[-1:] * 8 + self.permits))
        self.report_of(permit, base, outcome, self.circuit.generation - (not current), successes)

    def report_of(self, permit, base, outcome, generation=0, successes=0):
        known, only_time = self.last_view, copy.deepcopy(self.circuit)
        only_time.base = base
        tally = Tally(generation, successes, untold_successes=successes)
        only_time.look(self.now_us, tally)
        answer = self.both(self.requests(base).report(permit, outcome).telling(tally), lambda: self.circuit.report(
            self.now_us, permit.generation, permit.token, outcome, tally))
        self.check_score(known, tally, answer, outcome)
        if answer.verdict in (Verdict.STALE, Verdict.EXPIRED):
            self.reached["stale after its hash was lost"] += permit.generation in self.lost
            view = answer.view
            assert (view.generation, view.state, view.score) == (only_time.generation, only_time.state, only_time.score)
        elif outcome is Outcome.FAILURE and answer.verdict is Verdict.COUNTED and not permit.token:
            self.failures[permit.generation] += 1
            if answer.view.state is CircuitState.OPEN:
                assert self.failures[permit.generation] >= self.circuit.settings.threshold
        assert (known and permit.generation == known.generation) or answer.verdict in (Verdict.STALE, Verdict.EXPIRED)
        self.out.pop(permit.token, None)

    def check_score(self, known, tally, answer, outcome=Outcome.IGNORED):
        """First the tally's successes heal, then the report counts."""
        views = (known, answer.view)
        if known is None or any(view.mode is not Mode.AUTO or view.state is not CircuitState.CLOSED for view in views):
            self.in_a_row = 0
            return
        heals = tally.untold_successes if tally.generation == known.generation else 0
        healed = max(0, known.score - heals / 2)
        counts = outcome if answer.verdict is Verdict.COUNTED else Outcome.IGNORED
        if counts is Outcome.FAILURE:
            self.in_a_row = 1 if heals else self.in_a_row + 1
            assert self.in_a_row < self.circuit.settings.threshold, "still closed"
        elif heals or counts is Outcome.SUCCESS:
            self.in_a_row = 0
        if answer.view.generation == known.generation:
            brought = {Outcome.SUCCESS: -0.5, Outcome.FAILURE: 1}.get(counts, 0)
            assert answer.view.score == max(0, healed + brought)
            self.reached["untold successes healed"] += healed < known.score
            self.reached["untold successes healed before a failure"] += healed < known.score and brought == 1
            self.reached["untold successes of another period"] += tally.untold_successes > heals and known.score > 0
        else:
            self.in_a_row = 0

    @rule(base=bases, outcomes=st.lists(outcomes, min_size=1, max_size=4), successes=untold)
    def calls_end_at_once(self, base, outcomes, successes):
        """Several calls one after the other, each known before the next; the last report carries a tally."""
        for left, outcome in reversed([*enumerate(reversed(outcomes))]):
            given = len(self.permits)
            self.ask(base, False)
            if len(self.permits) > given:
                generation = self.permits[-1].generation
                self.report_of(self.permits[-1], base, outcome, generation, 0 if left else successes)

    @rule(base=bases)
    def wait_for_a_probe(self, base):
        """Until an OPEN breaker's time has come."""
        if self.circuit.state is CircuitState.OPEN:
            self.now_us = max(self.now_us, self.circuit.until_us)
            self.ask(base, False)

    @precondition(lambda self: self.circuit.probes)
    @rule(data=st.data(), base=bases, outcome=outcomes, off=st.sampled_from([-1, 0, 1]))
    def a_probe_comes_back_at_the_end_of_its_lease(self, data, base, outcome, off):
        token, until_us = data.draw(st.sampled_from(sorted(self.circuit.probes.items())))
        self.now_us = max(self.now_us, until_us + off)
        self.report_of(Permit(self.circuit.generation, token), base, outcome)

    @rule(base=bases, current=st.booleans(), calls=st.integers(0, 4), slow=st.integers(0, 4), successes=untold)
    def look(self, base, current, calls, slow, successes):
        generation, known = self.circuit.generation - (not current), self.last_view
        of_them = min(slow, calls)
        tally = Tally(generation, calls, of_them, successes, calls, failures=of_them, refused=calls % 3, slow=slow)
        answer = self.both(self.requests(base).look().telling(tally), lambda: self.circuit.look(self.now_us, tally))
        self.check_score(known, tally, answer)

    @rule(base=bases, calls=st.integers(3, 6))
    def slow_calls_end(self, base, calls):
        self.look(base, True, calls, calls, 0)

    @rule(base=bases)
    def take_retry(self, base):
        self.both(self.requests(base).retry(), lambda: self.circuit.take_retry(self.now_us))

    @precondition(lambda self: self.rare)
    @rule(mode=st.sampled_from([Mode.AUTO, Mode.METRICS_ONLY, *Mode]), lasts_s=st.sampled_from([None, 0.5, 7.0]))
    def set_mode(self, mode, lasts_s):
        self.both(self.requests(BASES[0]).mode(mode, "ann", "drill", lasts_s), lambda: self.circuit.set_mode(
            self.now_us, mode, "ann", "drill", to_us(lasts_s or 0)))

    @precondition(lambda self: self.circuit.mode_until_us > self.now_us)
    @rule(base=bases, off=st.sampled_from([-1, 0, 1]))
    def a_mode_comes_to_its_end(self, base, off):
        self.now_us = max(self.now_us, self.circuit.mode_until_us + off)
        self.ask(base, False)

    @precondition(lambda self: self.rare)
    @rule(new=st.sampled_from([None, None, *BASES]))
    def set_settings(self, new):
        self.both(self.requests(BASES[0]).settings(new, "bob", "tuning"), lambda: self.circuit.set_settings(
            self.now_us, new.wire if new else ""))

    @precondition(lambda self: self.rare and self.begun)
    @rule()
    def lose_the_hash(self):
        self.client.delete(keys.state(self.name), keys.probes(self.name))
        self.lost.add(self.circuit.generation)
        # The server's clock has gone on when somebody comes back; periods that began at once may be ahead of it.
        self.now_us = max(self.now_us, self.circuit.generation) + 1
        self.circuit = Circuit(BASES[0], history=self.circuit.history)
        self.not_before, self.last_view, self.begun, self.in_a_row = 0, None, False, 0

    # --- what must hold after every step ------------------------------------------------------------------------------

    @invariant()
    def what_is_stored_is_the_circuit(self):
        if not self.begun:
            return
        stored = {k.decode(): v.decode() for k, v in self.client.hgetall(keys.state(self.name)).items()}
        for field in FIELDS:
            mine = getattr(self.circuit, field)
            assert stored.get(field, "0" if isinstance(mine, int | float) else "") == (
                format(mine, ".17g") if isinstance(mine, int | float) else mine), field
        for field in WINDOW:
            assert int(stored.get(field, "0")) == getattr(self.circuit.window, field), field
        assert {name: int(stored.get(name, "0")) for name in self.circuit.totals} == self.circuit.totals
        probes = self.client.zrange(keys.probes(self.name), 0, -1, withscores=True)
        assert {token.decode(): int(until) for token, until in probes} == self.circuit.probes
        under_an_operator = self.circuit.mode is not Mode.AUTO or bool(self.circuit.stored)
        assert (self.client.ttl(keys.state(self.name)) == -1) is under_an_operator

    def teardown(self):
        events = [event for event in events_of(self.client.xrange(keys.EVENTS)) if event.breaker == self.name]
        assert [event.why for event in events] == self.circuit.history
        self.reached.update(event.why for event in events)
        self.client.delete(keys.EVENTS)


MUST_BE_REACHED = [
    *CircuitState, *Mode, *Verdict, *(why for why in Why if why is not Why.NEW),
    "probe of a health check", "probe after one that died", "stale after its hash was lost",
    "untold successes healed", "untold successes healed before a failure", "untold successes of another period",
]


def test_the_script_reads_the_server_s_clock_and_no_other():
    assert source().count(TIME) == 1
    assert "os." not in source()


@pytest.mark.timeout(240)
def test_the_script_does_what_the_circuit_does(valkey):
    client = sync_client(valkey.url)
    client.flushall()
    reached = Counter()
    machine = type("BreakerHere", (Breaker,), {"client": client, "reached": reached})
    missing = MUST_BE_REACHED
    for number in range(10):
        run_state_machine_as_test(seed(number)(machine), settings=settings(
            max_examples=150, stateful_step_count=50, deadline=None, database=None, phases=(Phase.generate,),
            suppress_health_check=list(HealthCheck)))
        missing = [str(name) for name in MUST_BE_REACHED if not reached[name]]
        if number >= 1 and not missing:
            break
    client.close()
    assert not missing, f"never reached: {missing}; reached: {dict(reached)}"


def test_an_opening_by_slow_calls_tells_the_score_after_healing(valkey):
    store, requests = Store(valkey.url), Requests(f"data:{secrets.token_hex(6)}", BASES[0])
    generation = store.run(requests.look()).view.generation
    store.run(requests.report(Permit(generation), Outcome.FAILURE))
    store.run(requests.look().telling(Tally(generation, window_calls=4, window_slow=4, untold_successes=1)))
    last = store.last_events()[0]
    assert (last.breaker, last.why, last.score) == (requests.name, Why.SLOW_CALLS, 0.5)
    store.close()
