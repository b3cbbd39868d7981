"""What a breaker may raise."""

from breakers.model import CircuitState, Mode
from core.store_fault import StoreFault


class BreakerError(Exception):
    """The breaker could not do what was asked of it."""


class CircuitOpenError(BreakerError):
    """The breaker let the call not through: nothing was sent, no attempt was spent."""

    def __init__(self, name: str, *, retry_after_s: float, state: CircuitState, mode: Mode) -> None:
        self.name, self.retry_after_s, self.state, self.mode = name, retry_after_s, state, mode
        stands = "held open by an operator" if mode is Mode.FORCED_OPEN else state
        super().__init__(f"The breaker of {name} is {stands}; try again in {retry_after_s:.1f} s.")

    def __reduce__(self) -> tuple[object, ...]:
        """Exceptions with keyword arguments do not pickle by themselves."""
        return _open_error, (self.name, self.retry_after_s, self.state, self.mode)


def _open_error(name: str, retry_after_s: float, state: CircuitState, mode: Mode) -> CircuitOpenError:
    return CircuitOpenError(name, retry_after_s=retry_after_s, state=state, mode=mode)


class BreakerStoreAway(BreakerError):
    """Valkey cannot be used (`fault`), so the shared breaker can be neither asked nor set."""

    def __init__(self, said: str, fault: StoreFault = StoreFault.AWAY) -> None:
        super().__init__(said)
        self.fault = fault
