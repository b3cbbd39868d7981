"""Where a question may be cut: at the ends of sentences, at words that add something, at words that set against."""

import re
from dataclasses import dataclass
from enum import StrEnum


class Link(StrEnum):
    """How a piece is tied to the one before it."""

    START = "start"
    SENTENCE = "sentence"
    AND = "and"
    AGAINST = "against"


@dataclass(frozen=True)
class Piece:
    """Characters `start` to `end` of a question, which may be no question of its own."""

    start: int
    end: int
    link: Link


_ADDING = (
    r"(?:and|also|plus|then|next|finally|lastly|second(?:ly)?|third(?:ly)?|as well as|along with|together with"
    r"|in addition(?: to)?)\b"
)
_LINKS = re.compile(
    rf"(?P<against>[\s,]*\b(?:versus\b|vs\b\.?|compared (?:to|with)\b|as opposed to\b)\s*)"
    rf"|(?P<sentence>\s*(?:[?!;\n]|\.(?=\s))(?:[\s?!;.,]|\b{_ADDING})*)"
    rf"|(?P<and>[\s,]*\b(?:and|also|plus|then|as well as|along with|together with|in addition(?: to)?)\b"
    rf"(?:[\s,]|\b{_ADDING})*|\s*,\s+)",
    re.IGNORECASE,
)
_NUMBERING = re.compile(r"(?m)(?:^|(?<=\s))(?:\([1-9a-h]\)|[1-9][.)]|[-*\u2022])[ \t]+(?=\S)")
_FIRST = re.compile(r"^\s*first(?:ly)?(?: of all)?,?\s+(?=(?:.|\n)*\b(?:then|second(?:ly)?|finally)\b)", re.IGNORECASE)
_COUNTED = re.compile(r"^\s*first\s+(?:\d|two|three|four|five|day|week|half|month|quarter)", re.IGNORECASE)


def plain(question: str) -> str:
    """The question without what only numbers its parts: `1.`, `(a)`, a bullet, `first ..., then`."""
    text = _NUMBERING.sub("\n", question) if _NUMBERING.match(question.strip()) else question
    return (text if _COUNTED.match(text) else _FIRST.sub("", text)).strip()


def cut(question: str) -> list[Piece]:
    """The pieces between all links, in their order; a question without links is one piece."""
    pieces, start, link = [], 0, Link.START
    for found in _LINKS.finditer(question):
        if question[start : found.start()].strip():
            pieces.append(Piece(start, found.start(), link))
            link = Link(str(found.lastgroup))
        elif found.lastgroup == Link.SENTENCE:
            link = Link.SENTENCE
        start = found.end()
    if question[start:].strip():
        pieces.append(Piece(start, len(question), link))
    return pieces
