"""A failure as a person reads it: what happened, what it means, what to do, and questions that lead on."""

import re
from dataclasses import dataclass, field
from difflib import get_close_matches

from agents.recovery import next_step
from api.problems import Problem

_MEANS = {
    "question_not_understood": "The data cannot answer this as it is worded. Nothing was guessed.",
    "rejected": "An agent would not take the request; it is working, and sending the same again will not help.",
    "invalid_request": "The question did not arrive in a form that can be taken.",
    "too_large": "The question is larger than this server takes.",
    "not_found": "Answers are kept for a limited time, and then removed.",
    "too_many_requests": "Nothing was recorded. You may ask again after a while.",
    "too_many_open": "Nothing was recorded. You may ask again when one of your questions has its answer.",
    "queue_full": "Nothing was recorded. So many questions wait already that yours would wait too long.",
    "rate_limited": "The agent has more to do than it can take at the moment.",
    "agent_error": "The agent was reached, and failed at its task.",
    "invalid_response": "The agent answered in a form that cannot be used.",
    "agent_unavailable": "One of the three services that answer a question cannot be reached.",
    "store_unavailable": "The store cannot be used for the moment. What was accepted is safe, and goes on by itself.",
    "agent_timeout": "The answer was not there in time.",
    "cancelled": "Somebody, or some program, ended it on purpose.",
}
_ASK_AGAIN = frozenset({"wait_and_retry", "retry"})
_REPEATED = ("Did you mean ", "For example: ")  # the agent's advice in words; the same stands here as buttons


@dataclass(frozen=True)
class Meant:
    """A word that may have been meant, and the question with it put in."""

    word: str
    question: str


@dataclass(frozen=True)
class Failure:
    """All that the page says about it."""

    title: str
    happened: str
    means: str
    do: str
    question: str
    ask_again: bool
    advice: list[str] = field(default_factory=list)
    meant: list[Meant] = field(default_factory=list)
    examples: list[str] = field(default_factory=list)
    error_type: str = ""


def failure_of(problem: Problem, question: str) -> Failure:
    """What a workflow ended with, or what kept a question from being accepted or a page from being found."""
    action, extra = problem.recovery_action, problem.extra
    return Failure(
        title=problem.title,
        happened=problem.detail,
        means=_MEANS.get(problem.error_type, ""),
        do=next_step(action),
        question=question,
        ask_again=action in _ASK_AGAIN and bool(question),
        advice=[line for line in problem.suggestions if not line.startswith(_REPEATED)],
        meant=_meant(question, _texts(extra.get("unmatched")), _texts(extra.get("did_you_mean"))),
        examples=_texts(extra.get("examples"))[:6],
        error_type=problem.error_type,
    )


def _meant(question: str, unmatched: list[str], words: list[str]) -> list[Meant]:
    """The question with each word in the place of the unmatched one it most looks like."""
    found = [(word, _place(word, unmatched)) for word in words]
    return [
        Meant(word, _put(question, place, word)) for word, place in found if place and place.lower() in question.lower()
    ]


def _place(word: str, unmatched: list[str]) -> str:
    if len(unmatched) == 1:
        return unmatched[0]
    return next(iter(get_close_matches(word, unmatched, n=1, cutoff=0.5)), "")


def _put(question: str, place: str, word: str) -> str:
    return re.sub(re.escape(place), lambda _: word, question, count=1, flags=re.IGNORECASE)


def _texts(raw: object) -> list[str]:
    return [text for text in raw if isinstance(text, str)] if isinstance(raw, list) else []
