"""The circuit breaker for an event loop; `breakers.breaker` says how it is used and what it costs.

    async with breaker.calling():
        answer = await post(...)
"""

import secrets
import time
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from breakers.errors import BreakerStoreAway
from breakers.local_view import LocalView
from breakers.model import Answer, Mode, Outcome, Permit, Verdict
from breakers.request import Request, Requests
from breakers.scope import Judge, Span, judge_exceptions
from breakers.settings import BreakerSettings
from breakers.status import BreakerStatus, status_of
from breakers.store import AsyncStore

P = ParamSpec("P")
T = TypeVar("T")


class AsyncCircuitBreaker:
    """One agent's breaker, shared through `store` by all who use the same name, blocking or not."""

    def __init__(self, name: str, settings: BreakerSettings, store: AsyncStore, judge: Judge = judge_exceptions,
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

    def calling(self) -> "AsyncCalling":
        """The span of one call; entering it raises `CircuitOpenError`."""
        return AsyncCalling(self, self._judge)

    def guard(self, function: Callable[P, Awaitable[T]]) -> Callable[P, Awaitable[T]]:
        """A decorator: each call of `function` is a call under this breaker."""
        @wraps(function)
        async def guarded(*args: P.args, **kwargs: P.kwargs) -> T:
            async with self.calling():
                return await function(*args, **kwargs)
        return guarded

    async def ask(self) -> Permit:
        """Leave for one call, to be reported; raises `CircuitOpenError`."""
        permit = self._local.ask()
        if permit is not None:
            return permit
        token = secrets.token_hex(8)
        answer = await self._tell(self._requests.ask(token))
        return self._local.permit_of(answer, token) if answer else self._local.ask_twin()

    async def report(self, permit: Permit, outcome: Outcome, duration_s: float = 0.0) -> None:
        """The result of the call that `permit` was for. Never raises: the shared breaker may be away."""
        if not self._local.report(permit, outcome, duration_s):
            return
        if not await self._tell(self._requests.report(permit, outcome)):
            self._local.told_in_vain(permit, outcome)

    async def probe(self) -> Permit | None:
        """Leave for a health check to be a probe, if the breaker waits for one: a bad check alone opens none."""
        if self._local.serving:
            return None
        token = secrets.token_hex(8)
        answer = await self._tell(self._requests.probe(token))
        return Permit(answer.view.generation, token) if answer and answer.verdict is Verdict.PROBE else None

    async def take_retry(self) -> bool:
        """Whether the fleet's retry budget has room for one more retry; takes it."""
        granted = self._local.retry()
        if granted is not None:
            return granted
        answer = await self._tell(self._requests.retry())
        return answer.verdict is Verdict.GRANTED if answer else bool(self._local.retry())

    async def flush(self) -> None:
        """Tell the counts of this process now, as before it ends."""
        await self._tell(self._requests.look())

    # --- operators ----------------------------------------------------------------------------------------------------

    async def set_mode(self, mode: Mode, *, actor: str, reason: str, lasts_s: float | None = None) -> None:
        """Put all processes under `mode`; raises `BreakerStoreAway`."""
        await self._run(self._requests.mode(mode, actor, reason, lasts_s))

    async def set_settings(self, settings: BreakerSettings | None, *, actor: str, reason: str) -> None:
        """Let all processes work by `settings`, None: each by its own again; raises `BreakerStoreAway`."""
        await self._run(self._requests.settings(settings, actor, reason))

    async def status(self) -> BreakerStatus:
        """All that is known about it; raises `BreakerStoreAway`."""
        view = (await self._run(self._requests.look())).view
        raw, events = await self.store.read(self.name), await self.store.last_events()
        return status_of(self.name, self._requests.base, view, raw, events)

    # --- the shared breaker -------------------------------------------------------------------------------------------

    async def _run(self, request: Request) -> Answer:
        sent_at = self._clock()
        answer = await self.store.run(request.telling(self._local.take_tally()))
        self._local.adopt(answer.view, sent_at)
        return answer

    async def _tell(self, request: Request) -> Answer | None:
        """The answer, None while the shared breaker is away."""
        try:
            return await self._run(request)
        except BreakerStoreAway as error:
            self._local.lost(error)
            return None


class AsyncCalling(Span):
    """A span for `async with`."""

    __slots__ = ("_began", "_breaker", "_permit")

    def __init__(self, breaker: AsyncCircuitBreaker, judge: Judge) -> None:
        super().__init__(judge)
        self._breaker = breaker

    async def __aenter__(self) -> "AsyncCalling":
        self._permit = await self._breaker.ask()
        self._began = time.perf_counter()
        return self

    async def __aexit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        await self._breaker.report(self._permit, self.outcome(error), time.perf_counter() - self._began)
