"""Whether a question asks for several things at once: a cheap look at its words, which says why.

It only chooses the first plan. The nlp agent decides: one query makes the ordinary plan of either route, several make a
plan with parts (`pipeline.extension`).
"""

import re
from dataclasses import dataclass
from typing import Final

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
        (r"\band\s+(?:then\s+)?(?:show|list|give|tell|plot|draw|count|find|what|which|how|where|when|who|the\s+(?:top|\w+"
         r"\s+(?:best|worst)))\b", "a second question follows an 'and'"),
        (r"(?:,|\band)\s+\w+(?:\s+\w+){0,3}\s+(?:by|per)\s+\w+.*(?:,|\band)\s+\w+(?:\s+\w+){0,4}\s+(?:by|per)\s+\w+",
         "it lists measures with groups of their own"),
        (r"\b(?:by|per)\s+\w+(?:\s+\w+)?\s*(?:,|\band\b)\s*(?:\w+\s+){1,5}(?:by|per)\s+\w+",
         "it lists measures with groups of their own"),
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
