"""The retry budget: a token bucket that calls fill, so that retries never make an outage worse.

Each call adds `retry_ratio` of a token, each retry takes one. A reserve, which time refills, lets rare calls be
tried again too.
"""

from dataclasses import dataclass

from breakers.model import SECOND_US
from breakers.settings import BreakerSettings

REFILL_S = 60.0  # the time in which an empty reserve is full again


@dataclass(slots=True)
class RetryBudget:
    """Tokens, as of `tokens_us`."""

    tokens: float = 0.0
    tokens_us: int = 0

    def fill(self, now_us: int, calls: int, settings: BreakerSettings) -> None:
        """Add what time and calls have brought."""
        if self.tokens < settings.retry_reserve:
            brought = (now_us - self.tokens_us) / SECOND_US * (settings.retry_reserve / REFILL_S)
            self.tokens = min(settings.retry_reserve, self.tokens + max(0.0, brought))
        self.tokens_us = now_us
        self.tokens = min(settings.retry_max, self.tokens + settings.retry_ratio * calls)

    def take(self) -> bool:
        """Take one token, if there is one."""
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True
