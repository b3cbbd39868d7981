"""The span of one call under a breaker: what `with breaker.calling()` gives."""

from collections.abc import Callable

from breakers.model import Outcome

Judge = Callable[[BaseException], Outcome]


def judge_exceptions(error: BaseException) -> Outcome:
    """Every error is the agent's failure; what merely ends the caller (a kill, a cancellation) says nothing."""
    return Outcome.FAILURE if isinstance(error, Exception) else Outcome.IGNORED


class Span:
    """One call. What its body says of it wins over what its exception says."""

    __slots__ = ("_judge", "_said")

    def __init__(self, judge: Judge) -> None:
        self._judge = judge
        self._said: Outcome | None = None

    def succeeded(self) -> None:
        """The agent did its work, whatever is raised."""
        self._said = Outcome.SUCCESS

    def failed(self) -> None:
        """The agent failed, though nothing is raised."""
        self._said = Outcome.FAILURE

    def ignore(self) -> None:
        """This call says nothing about the agent."""
        self._said = Outcome.IGNORED

    def outcome(self, error: BaseException | None) -> Outcome:
        """What the call was."""
        if self._said is not None:
            return self._said
        return Outcome.SUCCESS if error is None else self._judge(error)
