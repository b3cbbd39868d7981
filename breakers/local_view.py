"""What one process knows of a breaker, and what it may decide by that without a round trip.

No input or output happens here. A caller asks; the view answers at once, or sends the caller to the shared breaker
and takes in what comes back. The rules:

- A view that admits does so for `LOOK_S`; one that refuses, until its time, and for at most `REREAD_S`
  (`LOOK_S` while HALF_OPEN). Then one caller goes and looks again.
- One look at a time in a process: who comes meanwhile goes by the view at hand, so nobody waits for somebody else's
  round trip. Only before the first view is there each caller looks for itself. A look that never came back
  (its greenlet was killed) is forgotten after `LOOK_LAPSES_S`.
- Calls are counted here and told with the next request, at most once. Successes that nobody told heal then, if they
  are not older than `HEALS_S`: else they say nothing about failures that others have told meanwhile.
- While the shared breaker is away, a twin of this process decides by the same rules, from what was last seen. Each
  `REREAD_S` one caller tries the shared one; when it answers, it wins, and the twin's results are forgotten.

The lock is held for a few lines of Python, never across a round trip. A forked child begins with nothing: its
parent's counts and looks are its parent's.
"""

import os
import secrets
import threading
import time
import weakref
from collections.abc import Callable

from breakers.circuit import Circuit
from breakers.errors import CircuitOpenError
from breakers.model import SECOND_US, Answer, CircuitState, Mode, Outcome, Permit, Tally, Verdict, View, to_us
from breakers.settings import BreakerSettings
from core.logging import get_logger

LOOK_S = 0.25
REREAD_S = 1.0
HEALS_S = 2 * LOOK_S
LOOK_LAPSES_S = 1.0

_log = get_logger(__name__)
_NEVER = float("-inf")


class LocalView:
    """One breaker as one process sees it; safe between threads, greenlets and tasks of an event loop."""

    def __init__(self, name: str, base: BreakerSettings, clock: Callable[[], float] = time.monotonic) -> None:
        self.name, self.base, self.clock = name, base, clock
        self.begin()
        _LIVE.add(self)

    def begin(self) -> None:
        """Know nothing."""
        self._lock = threading.Lock()
        self._view: View | None = None
        self._seen_at = self._refused_until = self._look_lapses_at = self._retest_at = _NEVER
        self._admits_until = _NEVER  # with `_permit` and `_healthy`: all that a call needs while nothing is wrong
        self._permit = Permit(0)
        self._healthy = False
        self._slow_s = self.base.slow_call_s
        self._tally = Tally()
        self._twin: Circuit | None = None

    # --- asking -------------------------------------------------------------------------------------------------------

    def ask(self) -> Permit | None:
        """Leave for a call; None: go and ask the shared breaker. Raises `CircuitOpenError`."""
        now = self.clock()
        if now < self._admits_until:
            return self._permit
        with self._lock:
            if self._must_look(now):
                self._look_lapses_at = now + LOOK_LAPSES_S
                return None
            if self._twin:
                return self._by_twin(self._twin, now)
            if self._view and not self._view.admits:
                raise self._refused(self._view, self._refused_until - now)
            return self._permit

    def ask_twin(self) -> Permit:
        """Leave for a call, by the twin, after `lost`. Raises `CircuitOpenError`."""
        with self._lock:
            return self._by_twin(self._twin or self._new_twin(), self.clock())

    def permit_of(self, answer: Answer, token: str) -> Permit:
        """What the shared breaker's answer permits. Raises `CircuitOpenError`."""
        view = answer.view
        if answer.verdict is Verdict.PROBE:
            return Permit(view.generation, token)
        if answer.verdict is Verdict.CALL:
            return Permit(view.generation, judged=view.mode is not Mode.DISABLED)
        with self._lock:
            raise self._refused(view)

    @property
    def serving(self) -> bool:
        """Whether a view young enough says that calls flow."""
        return self.clock() < self._admits_until

    def _must_look(self, now: float) -> bool:
        if self._view is None and self._twin is None:
            return True
        return now >= self._look_lapses_at and now >= self._look_due(now)

    def _look_due(self, now: float) -> float:
        if self._twin:
            return self._retest_at
        if self._view is None or self._view.admits:
            return now
        young_s = LOOK_S if self._half_open(self._view) else REREAD_S
        return min(self._refused_until, self._seen_at + young_s)

    @staticmethod
    def _half_open(view: View) -> bool:
        return view.mode is Mode.AUTO and view.state is CircuitState.HALF_OPEN

    def _refused(self, view: View, wait_s: float | None = None) -> CircuitOpenError:
        self._tally.refused += 1
        wait_s = view.wait_us / SECOND_US if wait_s is None else wait_s
        return CircuitOpenError(self.name, retry_after_s=max(LOOK_S, wait_s), state=view.state, mode=view.mode)

    def _by_twin(self, twin: Circuit, now: float) -> Permit:
        token = secrets.token_hex(8)
        answer = twin.ask(to_us(now), token)
        if answer.verdict is Verdict.REFUSED:
            raise self._refused(answer.view)
        return Permit(answer.view.generation, token if answer.verdict is Verdict.PROBE else "", local=True,
                      judged=answer.view.mode is not Mode.DISABLED)

    # --- reporting ----------------------------------------------------------------------------------------------------

    def report(self, permit: Permit, outcome: Outcome, duration_s: float) -> bool:
        """Count a call that has ended; whether the shared breaker must be told at once."""
        slow = outcome is not Outcome.IGNORED and duration_s > self._slow_s
        with self._lock:
            tally = self._tally
            tally.calls += 1
            if permit is self._permit and self._healthy and outcome is Outcome.SUCCESS:
                tally.window_calls += 1
                tally.untold_successes += 1
                if slow:
                    tally.slow += 1
                    tally.window_slow += 1
                return False
            tally.failures += outcome is Outcome.FAILURE
            tally.slow += slow
            if self._twin:
                self._tell_twin(self._twin, permit, outcome, slow)
                return False
            return not permit.local and self._matters(permit, outcome, slow)

    def _matters(self, permit: Permit, outcome: Outcome, slow: bool) -> bool:
        if permit.token:
            return True
        current = self._view is not None and permit.generation == self._view.generation
        if not (current and permit.judged) or outcome is Outcome.IGNORED:
            return False
        self._tally.window_calls += 1
        self._tally.window_slow += slow
        if outcome is Outcome.FAILURE or not self._healthy:
            return True
        self._tally.untold_successes += 1
        return False

    def told_in_vain(self, permit: Permit, outcome: Outcome) -> None:
        """The shared breaker went away just when it was told a result: the twin hears it instead."""
        with self._lock:
            if self._twin:
                self._tell_twin(self._twin, permit, outcome, slow=False)

    @staticmethod
    def _told(generation: int, outcome: Outcome, slow: bool) -> Tally:
        judged = outcome is not Outcome.IGNORED
        return Tally(generation, window_calls=judged, window_slow=slow, calls=1)

    def _tell_twin(self, twin: Circuit, permit: Permit, outcome: Outcome, slow: bool) -> None:
        # The twin went on from the shared breaker's period, so a permit of that period is good for it too.
        twin.report(to_us(self.clock()), permit.generation, permit.token, outcome,
                    self._told(permit.generation, outcome, slow))

    # --- the retry budget ---------------------------------------------------------------------------------------------

    def retry(self) -> bool | None:
        """A token of the retry budget; None: go and ask the shared breaker."""
        with self._lock:
            now = self.clock()
            if self._twin:
                return self._twin.take_retry(to_us(now)).verdict is Verdict.GRANTED
            if self._view and self._view.tokens < 1 and now < self._seen_at + LOOK_S:
                return False
            return None

    # --- the shared breaker -------------------------------------------------------------------------------------------

    @property
    def settings(self) -> BreakerSettings:
        """What the breaker works by, as far as is known here."""
        return self.base.overlaid(self._view.settings) if self._view else self.base

    def take_tally(self) -> Tally:
        """What is to be told; nothing while the shared breaker is away, so that a try does not lose it."""
        with self._lock:
            if self._twin:
                return Tally()
            tally, self._tally = self._tally, Tally(self._tally.generation)
            if self.clock() >= self._seen_at + HEALS_S:
                tally.untold_successes = 0
            return tally

    def adopt(self, view: View, sent_at: float) -> None:
        """Take in what the shared breaker answered to a request that was sent at `sent_at`."""
        with self._lock:
            now = self.clock()
            self._look_lapses_at = _NEVER
            if self._twin:
                self._twin = None
                _log.info("breaker_shared_again", breaker=self.name, state=view.state)
            if not self._overtaken(view, now):
                self._see(view, sent_at, now)

    def lost(self, error: Exception) -> None:
        """The shared breaker did not answer."""
        with self._lock:
            now = self.clock()
            self._look_lapses_at = self._admits_until = _NEVER
            self._healthy = False
            self._tally.untold_successes = 0
            self._retest_at = now + REREAD_S
            if self._twin is None:
                self._twin = self._new_twin()
                _log.warning("breaker_on_its_own", breaker=self.name, error=str(error))

    def _new_twin(self) -> Circuit:
        return Circuit.after(self._view, self.base, to_us(self._seen_at if self._view else self.clock()))

    def _overtaken(self, view: View, now: float) -> bool:
        """Whether an answer comes after a newer one. A second later the newer one is too old to say so."""
        known = self._view
        return (known is not None and now < self._seen_at + REREAD_S
                and (view.generation, view.now_us) < (known.generation, known.now_us))

    def _see(self, view: View, sent_at: float, now: float) -> None:
        # It was true at some moment after `sent_at`; its remaining wait began before now.
        if view.generation != self._tally.generation:
            self._tally.begin(view.generation)
        judged = view.mode is not Mode.DISABLED
        if (self._permit.generation, self._permit.judged) != (view.generation, judged):
            self._permit = Permit(view.generation, judged=judged)
        self._view, self._seen_at = view, sent_at
        self._slow_s = self.base.overlaid(view.settings).slow_call_s
        self._refused_until = now + view.wait_us / SECOND_US
        self._healthy = view.admits and judged and view.score == 0
        self._admits_until = sent_at + LOOK_S if view.admits else _NEVER


_LIVE: "weakref.WeakSet[LocalView]" = weakref.WeakSet()


def _begin_all() -> None:
    for view in list(_LIVE):
        view.begin()


os.register_at_fork(after_in_child=_begin_all)
