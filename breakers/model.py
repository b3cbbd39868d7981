"""The words of a breaker: its states and modes, what is asked of it, and what every answer carries."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class CircuitState(StrEnum):
    """Nygard, *Release It!*: calls flow, calls are refused, or few are let through to see."""

    CLOSED = "CLOSED"
    OPEN = "OPEN"
    HALF_OPEN = "HALF_OPEN"


class Mode(StrEnum):
    """An operator's word over the breaker. Each change of mode starts a new, clean CLOSED period."""

    AUTO = "auto"
    FORCED_OPEN = "forced_open"  # every call is refused
    DISABLED = "disabled"  # every call goes on, none is judged
    METRICS_ONLY = "metrics_only"  # calls are judged, but the breaker only says when it would have opened


class Outcome(StrEnum):
    """What the caller says of a call."""

    SUCCESS = "success"
    FAILURE = "failure"
    IGNORED = "ignored"  # says nothing about the agent: the request was at fault, or the call was given up


class Why(StrEnum):
    """Why the breaker is as it is, and what an event of it tells."""

    NEW = "new"
    FAILURES = "failures"
    SLOW_CALLS = "slow_calls"
    RECOVERY_DUE = "recovery_due"
    PROBE_FAILED = "probe_failed"
    PROBES_PASSED = "probes_passed"
    MODE = "mode"
    MODE_EXPIRED = "mode_expired"
    SETTINGS = "settings"
    WOULD_OPEN_FAILURES = "would_open_failures"
    WOULD_OPEN_SLOW_CALLS = "would_open_slow_calls"


class Verdict(StrEnum):
    """The answer to one operation."""

    CALL = "call"  # go on; one of many
    PROBE = "probe"  # go on, as one of the few probes
    REFUSED = "refused"
    COUNTED = "counted"
    STALE = "stale"  # a result of another generation changes nothing
    EXPIRED = "expired"  # a probe's result after its lease changes nothing
    UNJUDGED = "unjudged"
    GRANTED = "granted"
    DENIED = "denied"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class Permit:
    """Leave to make one call. A permit without a token may serve any number of calls of its generation."""

    generation: int
    token: str = ""  # names a probe
    local: bool = False  # given by the twin while Valkey was away
    judged: bool = True


@dataclass(frozen=True, slots=True)
class View:
    """The breaker as it was at `now_us` of its own clock; `settings` is the operators' JSON, empty without one."""

    state: CircuitState
    generation: int
    score: float
    wait_us: int  # until a call may get in, as far as is known
    mode: Mode
    mode_until_us: int  # 0: until it is changed
    settings: str
    tokens: float
    now_us: int

    @property
    def admits(self) -> bool:
        """Whether calls flow."""
        if self.mode is Mode.AUTO:
            return self.state is CircuitState.CLOSED
        return self.mode is not Mode.FORCED_OPEN


@dataclass(frozen=True, slots=True)
class Answer:
    """A verdict, and the view after it; `unreadable`: what was rubbish, so that the breaker was begun anew."""

    verdict: Verdict
    view: View
    unreadable: str = ""


@dataclass(slots=True)
class Tally:
    """What happened in a process since its last look. The first three counts are of calls of `generation`."""

    generation: int = 0
    window_calls: int = 0
    window_slow: int = 0
    untold_successes: int = 0  # had no report of their own
    calls: int = 0
    failures: int = 0
    refused: int = 0
    slow: int = 0

    def begin(self, generation: int) -> None:
        """What was counted of another period says nothing about this one."""
        self.generation, self.window_calls, self.window_slow, self.untold_successes = generation, 0, 0, 0


NOTHING: Final = Tally()
HEALING: Final = 0.5  # what a success takes from the score
HALF_OPEN_WAIT_US: Final = 1_000_000  # a probe's result may be there sooner than its lease ends
SECOND_US: Final = 1_000_000


def to_us(seconds: float) -> int:
    """Whole microseconds, rounded as the script rounds."""
    return int(seconds * SECOND_US + 0.5)
