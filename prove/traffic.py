"""Calls of a healthy agent at a breaker, on a simulated clock, by the rules of `breakers.circuit` alone.

Some calls fail by chance. What cannot open the breaker is skipped: a busy period of the score (from a failure at score
0 until it is 0 again) whose score stays below the threshold leaves the circuit as it was. Everything else is played on
the circuit itself, so the result is the same as call by call, and a test holds it to that.
"""

import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from breakers.circuit import Circuit
from breakers.model import HEALING, SECOND_US, CircuitState, Outcome, Verdict, Why
from breakers.settings import BreakerSettings

START_US = SECOND_US  # a generation is a time, and none is 0


@dataclass(frozen=True, slots=True)
class Traffic:
    """`size` calls at once each `gap_us`, all asking before any of them ends; a health check each `check_us`, 0: none.

    At one and the same moment calls come before a check.
    """

    calls: int
    size: int = 1
    gap_us: int = SECOND_US // 10
    check_us: int = 0

    @property
    def checks(self) -> int:
        """How many checks there are before the last call."""
        if not self.check_us:
            return 0
        return max(0, -((self.check_at_us(0) - self.at_us(self.calls - 1)) // self.check_us))

    def at_us(self, call: int) -> int:
        """When a call asks and ends."""
        return START_US + call // self.size * self.gap_us

    def check_at_us(self, check: int) -> int:
        """When a check probes: half a period beside the calls."""
        return START_US + self.check_us * check + self.check_us // 2

    def first_from(self, us: int) -> int:
        """The first call at `us` or later."""
        return -((START_US - us) // self.gap_us) * self.size

    def check_before(self, us: int, until_us: int) -> int | None:
        """The first check at `us` or later, if it is before `until_us`."""
        if not self.check_us:
            return None
        check = -((START_US + self.check_us // 2 - us) // self.check_us)
        return check if self.check_at_us(check) < until_us else None


@dataclass(frozen=True, slots=True)
class Seen:
    """What became of the traffic."""

    refused: int
    refused_healthy: int
    healthy: int
    opened: int  # by failures; not by a failed probe
    reopened: int


def failures(random: Random, count: int, rate: float) -> list[int]:
    """Which of `count` calls fail, each with the chance `rate` of its own: the gaps are geometric."""
    found, at, log_success = list[int](), -1, math.log1p(-rate)
    while True:
        at += 1 + int(math.log(1.0 - random.random()) / log_success)
        if at >= count:
            return found
        found.append(at)


def opening_from(failing: Sequence[int], call: int, threshold: int) -> tuple[int, int] | None:
    """The busy period that opens a breaker whose score is 0 before `call`: its first failure and the last one."""
    score, first, before = 0.0, call, call - 1
    for number in range(bisect_left(failing, call), len(failing)):
        at = failing[number]
        score -= HEALING * (at - before - 1)
        if score <= 0:
            score, first = 0.0, at
        score += 1
        if score >= threshold:
            return first, at
        before = at
    return None


class Play:
    """One run: `failing` are the calls that would fail, made or not, and `bad_checks` the checks that would."""

    def __init__(self, settings: BreakerSettings, traffic: Traffic, failing: Sequence[int],
                 bad_checks: Sequence[int] = ()) -> None:
        if settings.permits != 1:
            raise ValueError("a single probe is played only")
        self._traffic, self._failing, self._bad_checks = traffic, failing, frozenset(bad_checks)
        self._fails = frozenset(failing)
        self._circuit = Circuit(settings)
        self._circuit.look(START_US)
        self._refused = self._refused_healthy = 0

    def run(self) -> Seen:
        """Play it to the end."""
        call, threshold = 0, self._circuit.settings.threshold
        while found := opening_from(self._failing, call, threshold):
            call = self._recover(self._open(*found))
        history = self._circuit.history
        return Seen(self._refused, self._refused_healthy, self._traffic.calls - len(self._failing),
                    history.count(Why.FAILURES), history.count(Why.PROBE_FAILED))

    def _open(self, first: int, last: int) -> int:
        """Play the busy period; the first call that comes after it opened.

        Who had asked before the opening and ends after it reports a result of an old generation, which changes nothing.
        """
        size, circuit = self._traffic.size, self._circuit
        for together in range(first // size * size, last + 1, size):
            calls = range(max(first, together), min(last + 1, together + size))
            now_us, generation = self._traffic.at_us(together), circuit.generation
            for call in calls:
                _must(circuit.ask(now_us, str(call)).verdict is Verdict.CALL, "a closed breaker lets calls in")
            for call in calls:
                circuit.report(now_us, generation, "", self._outcome(call))
        _must(circuit.state is CircuitState.OPEN, "the score reached the threshold")
        return last // size * size + size

    def _recover(self, call: int) -> int:
        """Refuse from `call` on until a probe closes the breaker; the first call after that."""
        traffic, circuit = self._traffic, self._circuit
        while circuit.state is not CircuitState.CLOSED and call < traffic.calls:
            due_us, waiting_from = circuit.until_us, call
            call = max(call, traffic.first_from(due_us))
            self._refuse(waiting_from, call)
            check = traffic.check_before(due_us, traffic.at_us(min(call, traffic.calls - 1)))
            if check is not None:
                self._probe(traffic.check_at_us(check), check in self._bad_checks)
            elif call < traffic.calls:
                self._refuse(call + 1, call + traffic.size)
                self._probe(traffic.at_us(call), call in self._fails)
                call += traffic.size
        return call

    def _probe(self, now_us: int, fails: bool) -> None:
        circuit = self._circuit
        _must(circuit.ask(now_us, "probe").verdict is Verdict.PROBE, "a breaker whose time is over lets a probe in")
        circuit.report(now_us, circuit.generation, "probe", Outcome.FAILURE if fails else Outcome.SUCCESS)

    def _outcome(self, call: int) -> Outcome:
        return Outcome.FAILURE if call in self._fails else Outcome.SUCCESS

    def _refuse(self, first: int, end: int) -> None:
        end = min(end, self._traffic.calls)
        if end > first:
            self._refused += end - first
            self._refused_healthy += end - first - (bisect_left(self._failing, end) - bisect_left(self._failing, first))


def _must(holds: bool, rule: str) -> None:
    if not holds:
        raise AssertionError(rule)
