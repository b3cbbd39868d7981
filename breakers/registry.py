"""Which breakers there are, and by which numbers: from the settings of this process.

`data:tenant` is a breaker of its own, for one tenant or database of the data agent, with the data agent's numbers.
"""

import os
import threading
from collections.abc import Callable
from functools import cache
from typing import Generic, TypeVar

from breakers.breaker import CircuitBreaker
from breakers.settings import BreakerSettings
from breakers.store import Store
from core.settings import Settings, get_settings

LEASE_MARGIN_S = 5.0  # a probe's result comes after the agent's longest call
AGENTS = ("nlp", "data", "viz")
B = TypeVar("B")


def numbers_of(name: str, settings: Settings) -> BreakerSettings:
    """The numbers of breaker `name`: its agent's, or those of further agents."""
    agent = name.partition(":")[0]
    threshold, recovery_s, timeout_s = {
        "nlp": (settings.nlp_breaker_threshold, settings.nlp_breaker_recovery_s, settings.nlp_timeout_s),
        "data": (settings.data_breaker_threshold, settings.data_breaker_recovery_s, settings.data_timeout_s),
        "viz": (settings.viz_breaker_threshold, settings.viz_breaker_recovery_s, settings.viz_timeout_s),
    }.get(agent) or _further(agent, settings)
    first_open_s = settings.breaker_first_open_s
    return BreakerSettings(
        threshold=threshold,
        recovery_s=recovery_s,
        first_open_s=min(first_open_s, recovery_s) if first_open_s else None,
        max_open_s=max(settings.breaker_max_open_s, recovery_s) if settings.breaker_max_open_s else None,
        permits=settings.breaker_permits,
        probe_lease_s=timeout_s + LEASE_MARGIN_S,
        slow_call_s=timeout_s * settings.breaker_slow_share,
        slow_rate=settings.breaker_slow_rate,
        slow_min_calls=settings.breaker_slow_min_calls,
        slow_window_s=settings.breaker_slow_window_s,
        retry_ratio=settings.retry_budget_ratio,
        retry_reserve=settings.retry_budget_reserve,
        retry_max=max(settings.retry_budget_max, settings.retry_budget_reserve),
    )


def _further(agent: str, settings: Settings) -> tuple[int, float, float]:
    """Threshold, recovery time and longest call of an agent that is not one of the three, known or not."""
    longest_s = max(settings.nlp_timeout_s, settings.data_timeout_s, settings.viz_timeout_s)
    spec = settings.agents.get(agent)
    if spec is None:
        return settings.breaker_threshold, settings.breaker_recovery_s, longest_s
    return (
        spec.breaker_threshold or settings.breaker_threshold,
        spec.breaker_recovery_s or settings.breaker_recovery_s,
        spec.timeout_s,
    )


class Breakers(Generic[B]):
    """The breakers of one process, by name, each made when it is first named."""

    def __init__(self, settings: Settings, make: Callable[[str, BreakerSettings], B]) -> None:
        self._settings, self._make = settings, make
        self._made: dict[str, B] = {}
        self._lock = threading.Lock()

    def __getitem__(self, name: str) -> B:
        made = self._made.get(name)
        if made is None:
            with self._lock:
                made = self._made.setdefault(name, self._make(name, numbers_of(name, self._settings)))
        return made


@cache
def get_shared() -> Store:
    """Where the breakers of this process are shared."""
    return Store(get_settings().store_url)


@cache
def get_breakers() -> Breakers[CircuitBreaker]:
    """The breakers of this process, for threads and greenlets."""
    store = get_shared()
    return Breakers(get_settings(), lambda name, numbers: CircuitBreaker(name, numbers, store))


# A forked child may inherit the lock of `Breakers`, held by a thread that it has not got.
os.register_at_fork(after_in_child=get_breakers.cache_clear)
