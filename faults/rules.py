"""Rules: what is done to which calls, how often and when. This is what `PUT /faults/{agent}` takes."""

import math
from collections.abc import Mapping
from enum import StrEnum
from random import Random
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, NonNegativeFloat, PositiveFloat, PositiveInt, model_validator


class FaultKind(StrEnum):
    """What a rule does to a call."""

    LATENCY = "latency"
    ERROR = "error"
    RATE_LIMIT = "rate_limit"
    RESET = "reset"
    HANG = "hang"
    SLOW_BODY = "slow_body"
    GARBAGE = "garbage"


class Target(StrEnum):
    """Which requests a rule is for; a health check is `GET /health`, a call is everything else."""

    CALLS = "calls"
    HEALTH = "health"
    BOTH = "both"


class ErrorBody(StrEnum):
    """What an injected error says: the contract's failure, a page of some gateway, or nothing."""

    CONTRACT = "contract"
    HTML = "html"
    NONE = "none"


class ResetAt(StrEnum):
    """When a connection is reset: before the agent is asked, after it did its work, or in the middle of its answer."""

    REQUEST = "request"
    ANSWER = "answer"
    BODY = "body"


class GarbageKind(StrEnum):
    """What stands in place of an answer, with status 200."""

    NOT_JSON = "not_json"
    TRUNCATED = "truncated"
    WRONG_DIALECT = "wrong_dialect"
    TOO_LARGE = "too_large"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class BaseRule(_Strict):
    """What all rules share. Every condition given must hold; then `share` is drawn, repeatably by `seed`.

    The schedule counts from the moment the rules were put: from `from_s` on, for `for_s` seconds (None: for ever),
    again every `every_s` seconds (None: once).
    """

    share: float = Field(1.0, ge=0, le=1)
    seed: int = 0
    times: PositiveInt | None = None
    from_s: NonNegativeFloat = 0.0
    for_s: PositiveFloat | None = None
    every_s: PositiveFloat | None = None
    hits: Target = Target.CALLS
    contains: str = ""
    headers: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _repeats_what_ends(self) -> Self:
        if self.every_s is not None and (self.for_s is None or self.for_s > self.every_s):
            raise ValueError("every_s needs a for_s that is not longer than it")
        return self

    def is_on(self, age_s: float) -> bool:
        """Whether the schedule holds `age_s` after the rules were put."""
        since_s = age_s - self.from_s
        if since_s < 0 or self.for_s is None:
            return since_s >= 0
        return (since_s if self.every_s is None else since_s % self.every_s) < self.for_s

    def is_for(self, *, health: bool) -> bool:
        """Whether it is for health checks, or for calls."""
        return self.hits in {Target.BOTH, Target.HEALTH if health else Target.CALLS}

    def wants_headers(self, headers: Mapping[str, str]) -> bool:
        """Whether every header asked for is there; `headers` has lower-case names."""
        return all(headers.get(name.lower()) == value for name, value in self.headers.items())


class UniformDelay(_Strict):
    """Anything between two bounds, each as likely."""

    low_s: NonNegativeFloat
    high_s: NonNegativeFloat

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.low_s > self.high_s:
            raise ValueError("low_s is above high_s")
        return self

    def drawn_s(self, chance: Random) -> float:
        """One delay."""
        return chance.uniform(self.low_s, self.high_s)


class LognormalDelay(_Strict):
    """Mostly near the median with a long tail, as real services have it; never above `most_s`."""

    median_s: PositiveFloat
    sigma: PositiveFloat = 1.0
    most_s: PositiveFloat = 60.0

    def drawn_s(self, chance: Random) -> float:
        """One delay."""
        return min(self.most_s, chance.lognormvariate(math.log(self.median_s), self.sigma))


class Latency(BaseRule):
    """The call waits before anything else happens to it; the rules after this one are still looked at."""

    fault: Literal[FaultKind.LATENCY]
    delay_s: NonNegativeFloat | UniformDelay | LognormalDelay

    def drawn_s(self, chance: Random) -> float:
        """The wait of one call."""
        return self.delay_s if isinstance(self.delay_s, float) else self.delay_s.drawn_s(chance)


class Error(BaseRule):
    """A status of any kind; 200 with the contract's body is an agent that says `success: false`."""

    fault: Literal[FaultKind.ERROR]
    status: int = Field(500, ge=200, le=599)
    body: ErrorBody = ErrorBody.CONTRACT
    error_type: str = "agent_error"
    message: str = "The agent failed, because it was told to."
    recovery_action: str = "retry"
    suggestions: list[str] = Field(default_factory=list)


class RateLimit(BaseRule):
    """429 with `Retry-After`: as seconds, or as a date (whole seconds, rounded up)."""

    fault: Literal[FaultKind.RATE_LIMIT]
    retry_after_s: NonNegativeFloat = 1.0
    as_date: bool = False


class Reset(BaseRule):
    """A real RST on the wire, not an orderly end."""

    fault: Literal[FaultKind.RESET]
    at: ResetAt = ResetAt.REQUEST


class Hang(BaseRule):
    """The call is taken and never answered; it ends when the caller leaves."""

    fault: Literal[FaultKind.HANG]


class SlowBody(BaseRule):
    """The agent's own answer, its body in pieces of `chunk_bytes` with `pause_s` between them."""

    fault: Literal[FaultKind.SLOW_BODY]
    chunk_bytes: PositiveInt = 16
    pause_s: PositiveFloat = 0.1


class Garbage(BaseRule):
    """An answer that nobody can use; `size_bytes` of a too large one (None: 1 MiB above what we accept)."""

    fault: Literal[FaultKind.GARBAGE]
    garbage: GarbageKind = GarbageKind.NOT_JSON
    size_bytes: int | None = Field(None, ge=1024)


Answered = Error | RateLimit | Garbage
Ending = Answered | Reset | Hang | SlowBody
Rule = Annotated[Latency | Ending, Field(discriminator="fault")]
