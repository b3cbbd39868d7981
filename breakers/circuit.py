"""One circuit in memory: the rules of `breakers/lua/breaker.lua` once more, pure, the time an argument.

It stands in for the shared breaker while Valkey is away, and it is the oracle that the script is tested against; so
whoever changes one of the two changes both. Every operation does the same three things: what time has brought, what
the tally tells, and then what was asked.
"""

from dataclasses import dataclass, field

from breakers.budget import RetryBudget
from breakers.model import (
    HALF_OPEN_WAIT_US,
    HEALING,
    NOTHING,
    Answer,
    CircuitState,
    Mode,
    Outcome,
    Tally,
    Verdict,
    View,
    Why,
    to_us,
)
from breakers.settings import BreakerSettings
from breakers.window import SlowWindow

TOTALS = ("calls", "failures", "refused", "slow")


@dataclass
class Circuit:
    """A breaker. Not safe between threads; times in microseconds of any one clock."""

    base: BreakerSettings
    stored: str = ""
    state: CircuitState = CircuitState.CLOSED
    generation: int = 0
    score: float = 0.0
    until_us: int = 0
    since_us: int = 0
    why: Why = Why.NEW
    reopened: int = 0
    passed: int = 0
    mode: Mode = Mode.AUTO
    mode_until_us: int = 0
    actor: str = ""
    reason: str = ""
    opened: int = 0
    retries: int = 0
    probes: dict[str, int] = field(default_factory=dict)
    window: SlowWindow = field(default_factory=SlowWindow)
    budget: RetryBudget = field(default_factory=RetryBudget)
    totals: dict[str, int] = field(default_factory=lambda: dict.fromkeys(TOTALS, 0))
    history: list[Why] = field(default_factory=list)

    @classmethod
    def after(cls, view: View | None, base: BreakerSettings, seen_us: int) -> "Circuit":
        """A circuit that goes on from what was seen of another, on a clock of its own that showed `seen_us` then."""
        circuit = cls(base)
        circuit._begin(seen_us, NOTHING)
        if view is None:
            return circuit
        circuit.stored, circuit.mode, circuit.state = view.settings, view.mode, view.state
        circuit.generation, circuit.score = view.generation, view.score
        circuit.budget.tokens = view.tokens
        if view.mode_until_us:
            circuit.mode_until_us = seen_us + max(0, view.mode_until_us - view.now_us)
        if view.state is not CircuitState.CLOSED:
            # A probe that is out reports to the shared breaker, so another one may go from here.
            circuit.state, circuit.until_us = CircuitState.OPEN, seen_us
            if view.state is CircuitState.OPEN:
                circuit.until_us += view.wait_us
        return circuit

    @property
    def settings(self) -> BreakerSettings:
        """What it works by now."""
        return self.base.overlaid(self.stored)

    # --- operations ---------------------------------------------------------------------------------------------------

    def look(self, now_us: int, tally: Tally = NOTHING) -> Answer:
        """Only tell the tally, and see."""
        self._begin(now_us, tally)
        return self._answer(Verdict.DONE, now_us)

    def ask(self, now_us: int, token: str, tally: Tally = NOTHING) -> Answer:
        """Leave for one call."""
        self._begin(now_us, tally)
        if self.mode is Mode.FORCED_OPEN:
            return self._answer(Verdict.REFUSED, now_us)
        if self.mode is not Mode.AUTO or self.state is CircuitState.CLOSED:
            return self._answer(Verdict.CALL, now_us)
        return self._answer(self._claim_probe(now_us, token), now_us)

    def probe(self, now_us: int, token: str, tally: Tally = NOTHING) -> Answer:
        """Leave for a health check to be a probe; refused unless the circuit waits for one."""
        self._begin(now_us, tally)
        if self.mode is not Mode.AUTO or self.state is CircuitState.CLOSED:
            return self._answer(Verdict.REFUSED, now_us)
        return self._answer(self._claim_probe(now_us, token), now_us)

    def report(self, now_us: int, generation: int, token: str, outcome: Outcome, tally: Tally = NOTHING) -> Answer:
        """The result of a call."""
        self._begin(now_us, tally)
        return self._answer(self._judge(now_us, generation, token, outcome), now_us)

    def set_mode(self, now_us: int, mode: Mode, actor: str, reason: str, lasts_us: int) -> Answer:
        """An operator's word; `lasts_us` 0 means until it is changed."""
        self._begin(now_us, NOTHING)
        self.actor, self.reason = actor, reason
        self._switch(now_us, mode, now_us + lasts_us if lasts_us else 0, Why.MODE)
        return self._answer(Verdict.DONE, now_us)

    def set_settings(self, now_us: int, stored: str) -> Answer:
        """Other numbers from now on; a period that has begun keeps its end."""
        self._begin(now_us, NOTHING)
        self.stored = stored
        self.history.append(Why.SETTINGS)
        self._close_if_passed(now_us)
        return self._answer(Verdict.DONE, now_us)

    def take_retry(self, now_us: int, tally: Tally = NOTHING) -> Answer:
        """A token of the retry budget."""
        self._begin(now_us, tally)
        granted = self.budget.take()
        self.retries += granted
        return self._answer(Verdict.GRANTED if granted else Verdict.DENIED, now_us)

    # --- rules --------------------------------------------------------------------------------------------------------

    def _begin(self, now_us: int, tally: Tally) -> None:
        if not self.generation:
            self.generation = self.since_us = now_us
            self.window.clear(now_us)
            self.budget.tokens, self.budget.tokens_us = self.settings.retry_reserve, now_us
        if self.mode is not Mode.AUTO and 0 < self.mode_until_us <= now_us:
            self.actor = self.reason = ""
            self._switch(now_us, Mode.AUTO, 0, Why.MODE_EXPIRED)
        self.budget.fill(now_us, tally.calls, self.settings)
        for name in TOTALS:
            self.totals[name] += getattr(tally, name)
        self._take_in(now_us, tally)
        self._close_if_passed(now_us)  # fewer permits than before may be enough

    def _take_in(self, now_us: int, tally: Tally) -> None:
        if tally.generation != self.generation or self.state is not CircuitState.CLOSED:
            return
        if self.mode in (Mode.AUTO, Mode.METRICS_ONLY):
            self._heal(tally.untold_successes)
            if tally.window_calls:
                self._count_slow(now_us, tally)

    def _heal(self, successes: int) -> None:
        self.score = max(0.0, self.score - HEALING * successes)

    def _count_slow(self, now_us: int, tally: Tally) -> None:
        self.window.add(now_us, tally.window_calls, tally.window_slow, self.settings)
        if self.window.too_slow(self.settings):
            self._trip(now_us, Why.SLOW_CALLS, Why.WOULD_OPEN_SLOW_CALLS)

    def _claim_probe(self, now_us: int, token: str) -> Verdict:
        if self.state is CircuitState.OPEN:
            if now_us < self.until_us:
                return Verdict.REFUSED
            self._enter(CircuitState.HALF_OPEN, now_us, Why.RECOVERY_DUE)
        self.probes = {name: until for name, until in self.probes.items() if until > now_us}
        if len(self.probes) + self.passed >= self.settings.permits:
            return Verdict.REFUSED
        self.probes[token] = now_us + to_us(self.settings.probe_lease_s)
        return Verdict.PROBE

    def _judge(self, now_us: int, generation: int, token: str, outcome: Outcome) -> Verdict:
        if generation != self.generation or self.state is CircuitState.OPEN:
            return Verdict.STALE
        if self.mode in (Mode.DISABLED, Mode.FORCED_OPEN):
            return Verdict.UNJUDGED
        if self.state is CircuitState.HALF_OPEN:
            return self._judge_probe(now_us, token, outcome)
        if outcome is Outcome.SUCCESS:
            self._heal(1)
        elif outcome is Outcome.FAILURE:
            self.score += 1
            if self.score >= self.settings.threshold:
                self._trip(now_us, Why.FAILURES, Why.WOULD_OPEN_FAILURES)
        return Verdict.COUNTED

    def _judge_probe(self, now_us: int, token: str, outcome: Outcome) -> Verdict:
        deadline_us = self.probes.pop(token, 0)
        if deadline_us <= now_us:
            return Verdict.EXPIRED
        if outcome is Outcome.FAILURE:
            self.reopened += 1
            self._open(now_us, Why.PROBE_FAILED)
        elif outcome is Outcome.SUCCESS:
            self.passed += 1
            self._close_if_passed(now_us)
        return Verdict.COUNTED

    def _trip(self, now_us: int, why: Why, would: Why) -> None:
        if self.mode is Mode.AUTO:
            self.reopened = 0
            self._open(now_us, why)
        else:
            self.score = 0.0
            self.window.clear(now_us)
            self.history.append(would)

    def _open(self, now_us: int, why: Why) -> None:
        self.until_us = now_us + to_us(self.settings.open_s(self.reopened))
        self.opened += 1
        self._enter(CircuitState.OPEN, now_us, why)

    def _close_if_passed(self, now_us: int) -> None:
        if self.state is CircuitState.HALF_OPEN and self.passed >= self.settings.permits:
            self.reopened = 0
            self._enter(CircuitState.CLOSED, now_us, Why.PROBES_PASSED)

    def _switch(self, now_us: int, mode: Mode, until_us: int, why: Why) -> None:
        self.mode, self.mode_until_us, self.reopened = mode, until_us, 0
        self._enter(CircuitState.CLOSED, now_us, why)

    def _enter(self, state: CircuitState, now_us: int, why: Why) -> None:
        self.state, self.since_us, self.why = state, now_us, why
        self.generation = max(self.generation + 1, now_us)
        self.score, self.passed, self.probes = 0.0, 0, {}
        self.window.clear(now_us)
        self.history.append(why)

    # --- what is seen of it -------------------------------------------------------------------------------------------

    def _wait_us(self, now_us: int) -> int:
        if self.mode is Mode.FORCED_OPEN:
            return self.mode_until_us - now_us if self.mode_until_us else to_us(self.settings.recovery_s)
        if self.mode is not Mode.AUTO or self.state is CircuitState.CLOSED:
            return 0
        if self.state is CircuitState.OPEN:
            return max(0, self.until_us - now_us)
        live = [until for until in self.probes.values() if until > now_us]
        if len(live) + self.passed < self.settings.permits:
            return 0
        return min(HALF_OPEN_WAIT_US, min(live) - now_us)

    def _answer(self, verdict: Verdict, now_us: int) -> Answer:
        return Answer(verdict, View(
            self.state, self.generation, self.score, self._wait_us(now_us), self.mode, self.mode_until_us, self.stored,
            self.budget.tokens, now_us))
