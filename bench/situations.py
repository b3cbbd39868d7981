"""What a breaker is measured in, and the calls it guards."""

from collections.abc import Callable
from enum import StrEnum

THRESHOLD, NEVER, RECOVERY_S = 5, 10**6, 3_600
WARM_UP = 100
SECOND_NS = 10**9

Timed = Callable[[float], list[int]]  # makes calls for so many seconds; ns of each


class Contender(StrEnum):
    """Whose breaker."""

    BARE = "no breaker"
    BATON = "Baton"
    PYBREAKER = "pybreaker"
    PURGATORY = "purgatory"
    INTERLOCK = "interlock-cb"


class Situation(StrEnum):
    """What the agent does, and what the breaker makes of it."""

    CLEAN = "closed and clean"
    FAILING = "a failure"  # each call fails, and the breaker stays closed
    REFUSING = "a refusal"  # the breaker is open

    @property
    def threshold(self) -> int:
        """Failures that open."""
        return NEVER if self is Situation.FAILING else THRESHOLD


class AgentDown(Exception):
    """The agent fails."""


def works() -> int:
    """A call that succeeds at once."""
    return 1


def fails() -> int:
    """A call that fails at once."""
    raise AgentDown
