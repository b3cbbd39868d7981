"""The circuit breaker for threads, greenlets and plain processes.

    with breaker.calling():            # CircuitOpenError when it is open
        answer = post(...)             # an exception is a failure, or what the breaker's judge makes of it

Round trips: none while the breaker is closed and clean (one look per 250 ms and process), one per failure, none per
refusal (one look a second), two per probe.
"""

import secrets
import time
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from breakers.errors import BreakerStoreAway
from breakers.local_view import LocalView
from breakers.model import Answer, Mode, Outcome, Permit, Verdict
from breakers.request import Request, Requests
from breakers.scope import Judge, Span, judge_exceptions
from breakers.settings import BreakerSettings
from breakers.status import BreakerStatus, status_of
from breakers.store import Store

P = ParamSpec("P")
T = TypeVar("T")


class CircuitBreaker:
    """One agent's breaker, shared through `store` by all who use the same name."""

    def __init__(self, name: str, settings: BreakerSettings, store: Store, judge: Judge = judge_exceptions,
                 clock: Callable[[], float] = time.monotonic) -> None:
        self.name, self.store = name, store
        self._judge = judge
        self._clock = clock
        self._requests = Requests(name, settings)
        self._local = LocalView(name, settings, clock)

    @property
    def settings(self) -> BreakerSettings:
        """What it works by, as far as this process knows."""
        return self._local.settings

    # --- one call -----------------------------------------------------------------------------------------------------

    def calling(self) -> "Calling":
        """The span of one call; entering it raises `CircuitOpenError`."""
        return Calling(self, self._judge)

    def guard(self, function: Callable[P, T]) -> Callable[P, T]:
        """A decorator: each call of `function` is a call under this breaker."""
        @wraps(function)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> T:
            with self.calling():
                return function(*args, **kwargs)
        return guarded

    def ask(self) -> Permit:
        """Leave for one call, to be reported; raises `CircuitOpenError`."""
        permit = self._local.ask()
        if permit is not None:
            return permit
        token = secrets.token_hex(8)
        answer = self._tell(self._requests.ask(token))
        return self._local.permit_of(answer, token) if answer else self._local.ask_twin()

    def report(self, permit: Permit, outcome: Outcome, duration_s: float = 0.0) -> None:
        """The result of the call that `permit` was for. Never raises: the shared breaker may be away."""
        if self._local.report(permit, outcome, duration_s) and not self._tell(self._requests.report(permit, outcome)):
            self._local.told_in_vain(permit, outcome)

    def probe(self) -> Permit | None:
        """Leave for a health check to be a probe, if the breaker waits for one: a bad check alone opens none."""
        if self._local.serving:
            return None
        token = secrets.token_hex(8)
        answer = self._tell(self._requests.probe(token))
        return Permit(answer.view.generation, token) if answer and answer.verdict is Verdict.PROBE else None

    def take_retry(self) -> bool:
        """Whether the fleet's retry budget has room for one more retry; takes it."""
        granted = self._local.retry()
        if granted is not None:
            return granted
        answer = self._tell(self._requests.retry())
        return answer.verdict is Verdict.GRANTED if answer else bool(self._local.retry())

    def flush(self) -> None:
        """Tell the counts of this process now, as before it ends."""
        self._tell(self._requests.look())

    # --- operators ----------------------------------------------------------------------------------------------------

    def set_mode(self, mode: Mode, *, actor: str, reason: str, lasts_s: float | None = None) -> None:
        """Put all processes under `mode`; raises `BreakerStoreAway`."""
        self._run(self._requests.mode(mode, actor, reason, lasts_s))

    def set_settings(self, settings: BreakerSettings | None, *, actor: str, reason: str) -> None:
        """Let all processes work by `settings`, None: each by its own again; raises `BreakerStoreAway`."""
        self._run(self._requests.settings(settings, actor, reason))

    def status(self) -> BreakerStatus:
        """All that is known about it; raises `BreakerStoreAway`."""
        view = self._run(self._requests.look()).view
        return status_of(self.name, self._requests.base, view, self.store.read(self.name), self.store.last_events())

    # --- the shared breaker -------------------------------------------------------------------------------------------

    def _run(self, request: Request) -> Answer:
        sent_at = self._clock()
        answer = self.store.run(request.telling(self._local.take_tally()))
        self._local.adopt(answer.view, sent_at)
        return answer

    def _tell(self, request: Request) -> Answer | None:
        """The answer, None while the shared breaker is away."""
        try:
            return self._run(request)
        except BreakerStoreAway as error:
            self._local.lost(error)
            return None


class Calling(Span):
    """A span for `with`."""

    __slots__ = ("_began", "_breaker", "_permit")

    def __init__(self, breaker: CircuitBreaker, judge: Judge) -> None:
        super().__init__(judge)
        self._breaker = breaker

    def __enter__(self) -> "Calling":
        self._permit = self._breaker.ask()
        self._began = time.perf_counter()
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        self._breaker.report(self._permit, self.outcome(error), time.perf_counter() - self._began)
