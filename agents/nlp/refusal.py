"""Why a question is not answered: a wrong answer is worse than a refusal."""

from dataclasses import dataclass, field


@dataclass
class RefusalError(Exception):
    """The question is not understood, or the data cannot answer it."""

    message: str
    unmatched: list[str] = field(default_factory=list)
    did_you_mean: list[str] = field(default_factory=list)
    suggestions: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return self.message


class SchemaUnavailableError(Exception):
    """The data agent's schema cannot be had, so nothing can be planned."""
