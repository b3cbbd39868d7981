"""Purgatory's breaker for event loops. Its one for threads cannot use Redis: it awaits nothing of redis.asyncio."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from time import perf_counter_ns
from typing import Any, cast

from purgatory import AsyncCircuitBreakerFactory, AsyncRedisUnitOfWork
from purgatory.domain.model import OpenedState
from purgatory.service._async.repository import AsyncRedisRepository

from bench.situations import RECOVERY_S, SECOND_NS, WARM_UP, AgentDown, Situation, Timed, fails, works

Call = Callable[[], Coroutine[Any, Any, int]]


@contextmanager
def purgatory(situation: Situation, url: str, name: str) -> Iterator[Timed]:
    """Its calls in one situation."""
    with asyncio.Runner() as runner:
        uow = AsyncRedisUnitOfWork(url)
        factory = AsyncCircuitBreakerFactory(situation.threshold, RECOVERY_S, uow=uow)
        runner.run(factory.initialize())
        good: Call = factory(name)(_works)
        bad: Call = factory(name)(_fails)
        if situation is Situation.REFUSING:
            runner.run(_repeated(bad, situation.threshold, (AgentDown, OpenedState)))
        expected = OpenedState if situation is Situation.REFUSING else AgentDown
        call = bad if situation is Situation.FAILING else good
        runner.run(_repeated(call, WARM_UP, (expected,)))
        yield lambda seconds: runner.run(_timed(call, seconds, expected))
        runner.run(cast("AsyncRedisRepository", uow.contexts).redis.aclose())


async def _works() -> int:
    return works()


async def _fails() -> int:
    return fails()


async def _repeated(call: Call, times: int, expected: tuple[type[BaseException], ...]) -> None:
    for _ in range(times):
        with suppress(*expected):
            await call()


async def _timed(call: Call, seconds: float, expected: type[BaseException]) -> list[int]:
    took, clock = list[int](), perf_counter_ns
    ends_at = clock() + int(seconds * SECOND_NS)
    while (began := clock()) < ends_at:
        try:  # noqa: SIM105 - cheaper than `suppress`
            await call()
        except expected:
            pass
        took.append(clock() - began)
    return took
