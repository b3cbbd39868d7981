"""Names of parts: a few words of each that the others do not have, fit for the name of a step."""

import re
from collections import Counter
from collections.abc import Sequence

from agents.nlp.planner import RulePlanner

_LONGEST = 40
_MOST_WORDS = 4


def names_of(questions: Sequence[str], planner: RulePlanner) -> list[str]:
    """One name per question, `[a-z0-9_]{1,40}`, no two alike."""
    said = [_content(question, planner) for question in questions]
    often = Counter(word for words in said for word in set(words))
    names: list[str] = []
    for at, words in enumerate(said, start=1):
        own = [word for word in words if often[word] < len(said)] or words
        names.append(_unique(_slug(own) or f"part_{at}", names))
    return names


def _content(question: str, planner: RulePlanner) -> list[str]:
    """The words that carry the question's meaning, each once."""
    marks = [mark for mark in planner.read(question) if not (mark.soft or mark.quantity or mark.is_a("aggregate"))]
    return list(dict.fromkeys(word for mark in marks for word in re.findall(r"[a-z0-9]+", mark.text.lower())))


def _slug(words: Sequence[str]) -> str:
    kept: list[str] = []
    for word in words[:_MOST_WORDS]:
        if len("_".join([*kept, word])) <= _LONGEST:
            kept.append(word)
    return "_".join(kept)


def _unique(name: str, taken: Sequence[str]) -> str:
    """The name with a number behind it when it is taken."""
    numbered = (f"{name[: _LONGEST - 2]}_{number}" for number in range(2, 10))
    return name if name not in taken else next(other for other in numbered if other not in taken)
