"""Whether a question asks for several things at once: a cheap look at its words, which says why.

It only chooses the first plan. The nlp agent decides: one query makes the ordinary plan of either route, several make a
plan with parts (`pipeline.extension`).
"""

import re
from dataclasses import dataclass
from typing import Final

_ASKING: Final = (
    r"show|list|give|tell|plot|draw|count|find|what|which|how|where|when|who|the (?:top|\w+ (?:best|worst))"
)
_GROUPED: Final = r"\b(?:by|per)\s+\w+"
# Each sign of a second question, and how it is told. The first that is found is told.
_SIGNS: Final[tuple[tuple[re.Pattern[str], str], ...]] = tuple(
    (re.compile(pattern, re.IGNORECASE), why)
    for pattern, why in (
        (r"\?\s*\S.*\?\s*$", "it has several question marks"),
        (r";\s*\w", "a semicolon parts it"),
        (r"\w{4,}[.!?]\s+\w{2,}", "it has several sentences"),
        (r"^\W*first\b.*\bthen\b", "it says 'first ... then'"),
        (r"\b(?:vs\.?|versus)(?=\s)", "it says 'versus'"),
        (r"\b(?:compare[ds]?|comparison)\b", "it asks for a comparison"),
        (r"\bas well as\b", "it says 'as well as'"),
        (r"\b(?:and|but)\s+also\b|\balso\b", "it says 'also'"),
        (rf"\band\s+(?:then\s+)?(?:{_ASKING})\b", "a second question follows an 'and'"),
        (
            rf"{_GROUPED}(?:\s+\w+)?\s*(?:,|\band\b)\s*(?:\w+\s+){{1,5}}{_GROUPED}",
            "it lists measures with groups of their own",
        ),
    )
)


@dataclass(frozen=True, slots=True)
class Complexity:
    """The verdict on a question; `why` is one clause."""

    complex: bool
    why: str


def complexity_of(query: str) -> Complexity:
    """Judge the question by its words."""
    for sign, why in _SIGNS:
        if sign.search(query):
            return Complexity(complex=True, why=why)
    return Complexity(complex=False, why="it asks for one thing")
