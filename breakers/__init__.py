"""Circuit breakers that all processes share: one per agent, state in Valkey, every decision in one Lua script."""

from breakers.async_breaker import AsyncCircuitBreaker
from breakers.breaker import CircuitBreaker
from breakers.errors import BreakerStoreAway, CircuitOpenError
from breakers.model import CircuitState, Mode, Outcome, Permit
from breakers.settings import BreakerSettings

__all__ = [
    "AsyncCircuitBreaker",
    "BreakerSettings",
    "BreakerStoreAway",
    "CircuitBreaker",
    "CircuitOpenError",
    "CircuitState",
    "Mode",
    "Outcome",
    "Permit",
]
