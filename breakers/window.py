"""The window that slow calls are counted in: the current half and the one before it."""

from dataclasses import dataclass

from breakers.model import to_us
from breakers.settings import BreakerSettings


@dataclass(slots=True)
class SlowWindow:
    """Two halves, so that what happened on both sides of a border still counts together."""

    half_us: int = 0  # when the current half began
    calls_0: int = 0
    slow_0: int = 0
    calls_1: int = 0
    slow_1: int = 0

    @property
    def calls(self) -> int:
        """Calls in the window."""
        return self.calls_0 + self.calls_1

    @property
    def slow(self) -> int:
        """Slow calls in the window."""
        return self.slow_0 + self.slow_1

    def clear(self, now_us: int) -> None:
        """Begin anew."""
        self.half_us, self.calls_0, self.slow_0, self.calls_1, self.slow_1 = now_us, 0, 0, 0, 0

    def add(self, now_us: int, calls: int, slow: int, settings: BreakerSettings) -> None:
        """Count calls that ended by now."""
        half = to_us(settings.slow_window_s / 2)
        if now_us - self.half_us >= 2 * half:
            self.clear(now_us)
        elif now_us - self.half_us >= half:
            self.calls_0, self.slow_0, self.calls_1, self.slow_1 = self.calls_1, self.slow_1, 0, 0
            self.half_us += half
        self.calls_1 += calls
        self.slow_1 += slow

    def too_slow(self, settings: BreakerSettings) -> bool:
        """Whether too many of enough calls were slow."""
        return self.calls >= settings.slow_min_calls and self.slow >= settings.slow_rate * self.calls
