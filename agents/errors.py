"""What may go wrong with an agent, one class each.

Whether an error is retried, whether it counts against the breaker and whether something else may answer instead are
attributes of its class, and stand nowhere else. A class's docstring is its default message.
"""

from enum import StrEnum
from typing import Any, ClassVar


class Counts(StrEnum):
    """How an error counts against the agent's breaker."""

    EACH_ATTEMPT = "each_attempt"
    ONCE_PER_STEP = "once_per_step"
    NEVER = "never"


class AgentError(Exception):
    """The agent did not do its work."""

    error_type: ClassVar[str] = "agent_error"
    retried: ClassVar[bool] = False
    counts: ClassVar[Counts] = Counts.EACH_ATTEMPT
    fallback: ClassVar[bool] = False
    default_recovery: ClassVar[str] = "retry"

    def __init__(
        self,
        message: str = "",
        *,
        agent: str = "",
        recovery_action: str = "",
        suggestions: list[str] | None = None,
        retry_after_s: float | None = None,
        details: dict[str, Any] | None = None,
    ) -> None:
        self.message = message or (type(self).__doc__ or "").splitlines()[0]
        super().__init__(self.message)
        self.agent = agent
        self.recovery_action = recovery_action or self.default_recovery
        self.suggestions = suggestions or []
        self.retry_after_s = retry_after_s
        self.details = details or {}

    @property
    def may_retry(self) -> bool:
        """Whether another attempt could help; time and budget are judged elsewhere."""
        return self.retried

    @property
    def askers_to_correct(self) -> bool:
        """Whether the question is at fault: it says nothing about how well questions are answered."""
        return self.recovery_action == "correct_request"

    def described(self) -> dict[str, Any]:
        """The error as users and the record see it."""
        return {
            **self.details,
            "error_type": self.details.get("error_type", self.error_type),
            "message": self.message,
            "recovery_action": self.recovery_action,
            "suggestions": self.suggestions,
            **({"retry_after_s": round(self.retry_after_s, 3)} if self.retry_after_s is not None else {}),
        }


class AgentUnavailable(AgentError):
    """The agent cannot be reached."""

    error_type = "agent_unavailable"
    retried = True
    fallback = True
    default_recovery = "wait_and_retry"


class CircuitOpen(AgentUnavailable):
    """The agent's breaker is open: it was not called."""

    retried = False
    counts = Counts.NEVER


class AgentTimeout(AgentError):
    """The agent did not answer in time."""

    error_type = "agent_timeout"
    retried = True
    fallback = True
    default_recovery = "retry"


class AgentCrashed(AgentError):
    """The agent answered with an internal error."""

    retried = True
    fallback = True
    default_recovery = "rephrase"


class AgentRefused(AgentError):
    """The agent says that it failed."""

    counts = Counts.ONCE_PER_STEP
    default_recovery = "rephrase"

    @property
    def may_retry(self) -> bool:
        """Only when the agent itself asks for it."""
        return self.recovery_action == "retry"

    @property
    def askers_to_correct(self) -> bool:
        """Unless the agent asks for something else."""
        return self.recovery_action in ("rephrase", "correct_request")


class InvalidResponse(AgentError):
    """The agent's answer does not fit its contract."""

    error_type = "invalid_response"
    counts = Counts.EACH_ATTEMPT  # it is never retried, so that is once per step
    fallback = True
    default_recovery = "contact_support"


class InternalFault(AgentError):
    """Something of ours failed while the agent was being asked; it is in the worker's log."""

    error_type = "internal_error"
    counts = Counts.NEVER
    default_recovery = "contact_support"


class MissingInput(AgentError):
    """A step's input is not among the outputs it reads."""

    error_type = "missing_input"
    counts = Counts.NEVER
    default_recovery = "correct_request"


class NothingToCompose(AgentError):
    """None of the question's parts has an answer."""

    counts = Counts.NEVER


class Rejected(AgentError):
    """The agent rejects the request."""

    error_type = "rejected"
    counts = Counts.NEVER
    default_recovery = "rephrase"

    @property
    def askers_to_correct(self) -> bool:
        """Always."""
        return True


class RateLimited(AgentError):
    """The agent asks us to slow down."""

    error_type = "rate_limited"
    retried = True
    counts = Counts.NEVER
    fallback = True
    default_recovery = "wait_and_retry"
