"""The breakers that are compared, each through its own decorator around the same call, with its state in Redis."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from time import perf_counter_ns

import interlock
import pybreaker
import redis
from interlock.integrations.redis import RedisStorage

from bench.async_guard import purgatory
from bench.situations import RECOVERY_S, SECOND_NS, WARM_UP, AgentDown, Contender, Situation, Timed, fails, works
from breakers import BreakerSettings, CircuitBreaker, CircuitOpenError
from breakers.store import Store

Call = Callable[[], int]
Decorated = Iterator[tuple[Callable[[Call], Call], type[BaseException]]]  # the decorator, and what a refusal raises


@contextmanager
def guarded(contender: Contender, situation: Situation, url: str) -> Iterator[Timed]:
    """The calls of one contender, which is warm and in that situation for good; all processes share its breaker."""
    name = f"{contender.name}-{situation.name}".lower()
    if contender is Contender.PURGATORY:
        with purgatory(situation, url, name) as calls:
            yield calls
        return
    with _DECORATORS[contender](url, name, situation.threshold) as (decorate, refused):
        good, bad = decorate(works), decorate(fails)
        if situation is Situation.REFUSING:
            _until_refused(bad, refused)
        call = bad if situation is Situation.FAILING else good
        expected = refused if situation is Situation.REFUSING else AgentDown
        for _ in range(WARM_UP):
            with suppress(expected):
                call()
        yield lambda seconds: _timed(call, seconds, expected)


def _timed(call: Call, seconds: float, expected: type[BaseException]) -> list[int]:
    took, clock = list[int](), perf_counter_ns
    ends_at = clock() + int(seconds * SECOND_NS)
    while (began := clock()) < ends_at:
        try:  # noqa: SIM105 - cheaper than `suppress`
            call()
        except expected:
            pass
        took.append(clock() - began)
    return took


def _until_refused(bad: Call, refused: type[BaseException]) -> None:
    for _ in range(WARM_UP):
        try:
            bad()
        except refused:
            return
        except AgentDown:
            continue
    raise RuntimeError("it does not open")


@contextmanager
def _bare(_url: str, _name: str, _threshold: int) -> Decorated:
    yield (lambda function: function), AgentDown


@contextmanager
def _baton(url: str, name: str, threshold: int) -> Decorated:
    store = Store(url)
    settings = BreakerSettings(threshold=threshold, recovery_s=RECOVERY_S)
    yield CircuitBreaker(name, settings, store).guard, CircuitOpenError
    store.close()


@contextmanager
def _pybreaker(url: str, name: str, threshold: int) -> Decorated:
    with redis.Redis.from_url(url) as client:
        storage = pybreaker.CircuitRedisStorage(pybreaker.STATE_CLOSED, client, namespace=name)
        yield (pybreaker.CircuitBreaker(fail_max=threshold, reset_timeout=RECOVERY_S, state_storage=storage),
               pybreaker.CircuitBreakerError)


@contextmanager
def _interlock(url: str, name: str, threshold: int) -> Decorated:
    with redis.Redis.from_url(url) as client:
        config = interlock.Config(minimum_number_of_calls=threshold, wait_duration_in_open=RECOVERY_S)
        breaker = interlock.CircuitBreaker(name=name, config=config, storage=RedisStorage(client))
        yield breaker, interlock.CircuitOpenError
        breaker.close()


_DECORATORS: dict[
    Contender, Callable[[str, str, int], AbstractContextManager[tuple[Callable[[Call], Call], type[BaseException]]]]
] = {Contender.BARE: _bare, Contender.BATON: _baton, Contender.PYBREAKER: _pybreaker, Contender.INTERLOCK: _interlock}
