"""The numbers one breaker works by."""

import json
from functools import lru_cache
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from core.logging import get_logger

_log = get_logger(__name__)
# Bounds within which the script's microseconds and sums stay exact.
Seconds = Annotated[float, Field(ge=0.001, le=30 * 86_400)]
Count = Annotated[int, Field(ge=1, le=1_000_000)]
Tokens = Annotated[float, Field(ge=0, le=1_000_000)]


class BreakerSettings(BaseModel):
    """Validated and immutable; what operators change at run time is kept, whole, in the breaker's hash."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

    threshold: Count = 5
    recovery_s: Seconds = 60.0
    first_open_s: Seconds | None = None  # of the first OPEN period; doubles with each failed probe
    max_open_s: Seconds | None = None  # where the doubling ends; without it, at recovery_s
    permits: Count = 1  # probes at once, and successes needed to close
    probe_lease_s: Seconds = 60.0  # longer than the longest call, or a slow probe's result comes too late
    slow_call_s: Seconds = 60.0
    slow_rate: float = Field(0.8, gt=0, le=1)
    slow_min_calls: Count = 20
    slow_window_s: Seconds = 60.0
    retry_ratio: float = Field(0.2, ge=0, le=1)
    retry_reserve: Tokens = 10.0
    retry_max: Tokens = 100.0

    @model_validator(mode="after")
    def _periods_grow(self) -> Self:
        if (self.first_open_s or self.recovery_s) > (self.max_open_s or self.recovery_s):
            raise ValueError("the first OPEN period must not be longer than the longest one")
        if self.retry_reserve > self.retry_max:
            raise ValueError("retry_reserve must not be larger than retry_max")
        return self

    def open_s(self, reopened: int) -> float:
        """The length of an OPEN period that `reopened` failed probes preceded."""
        longest = self.max_open_s or self.recovery_s
        return min((self.first_open_s or self.recovery_s) * 2.0 ** min(reopened, 30), longest)

    @property
    def wire(self) -> str:
        """As JSON, for the script."""
        return _wire(self)

    def overlaid(self, stored: str) -> "BreakerSettings":
        """These with the operators' JSON on top, or without it when it is rubbish; the same text, the same object."""
        return _overlaid(self, stored) if stored else self


@lru_cache(maxsize=1024)
def _wire(settings: BreakerSettings) -> str:
    return settings.model_dump_json()


@lru_cache(maxsize=1024)
def _overlaid(settings: BreakerSettings, stored: str) -> BreakerSettings:
    try:
        return BreakerSettings.model_validate({**settings.model_dump(), **json.loads(stored)})
    except (ValueError, TypeError) as error:
        _log.warning("key_unreadable", key="settings of a breaker", error=repr(error)[:200],
                     meaning="they are ignored until an operator sets others")
        return settings
