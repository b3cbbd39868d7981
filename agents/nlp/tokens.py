"""A question cut into tokens: words, numbers and dates, each with the stems it may stand for."""

import re
from dataclasses import dataclass, replace
from functools import cache

import snowballstemmer

from agents.nlp.keywords import get_keywords
from agents.nlp.periods import MONTH, YEAR

_TOKEN = re.compile(
    r"\d{4}-\d{1,2}-\d{1,2}|\d{1,2}/\d{1,2}/\d{4}|\d+(?:,\d{3})+(?:\.\d+)?|\d+\.\d+|[^\W_]+|[%<>=]+|°[CF]"
)
_NUMBER_UNIT = re.compile(r"(\d+(?:\.\d+)?)([A-Za-z]+)")
_ORDINAL = re.compile(r"\d+(?:st|nd|rd|th)")
_DASH = re.compile(
    rf"\b({MONTH}[a-z]*|q[1-4]|{YEAR})\s*[-\u2013\u2014]\s*(?=(?:{MONTH}[a-z]*|q[1-4]|{YEAR})\b(?!-))", re.IGNORECASE
)
_stemmer = snowballstemmer.stemmer("english")
_SIGNS = {
    "<": ("less", "than"),
    ">": ("more", "than"),
    "<=": ("at", "most"),
    ">=": ("at", "least"),
    "=": ("equals",),
    "==": ("equals",),
}


@dataclass(frozen=True)
class Token:
    """One word of the question; `read_as` differs from `text` when a typing error was put right."""

    text: str
    read_as: str
    stems: frozenset[str]
    number: float | None = None

    @property
    def lower(self) -> str:
        """The word as it is matched."""
        return self.read_as.lower()


@cache
def stem(word: str) -> str:
    """The word's stem (Porter 2)."""
    return str(_stemmer.stemWord(word.lower()))


def token(text: str) -> Token:
    """One token, with the stems of its related forms."""
    lower = text.lower()
    related = get_keywords().forms.get(lower, frozenset())
    return Token(text, text, frozenset(stem(word) for word in (lower, *related)), _number(lower))


def read_as(original: Token, word: str) -> Token:
    """The token with its spelling put right."""
    return replace(token(word), text=original.text)


def tokenize(question: str) -> list[Token]:
    """Cut the question into tokens: `dep_time` and `220mm` give two, `'s` none; a dash between times is `to`."""
    plain = re.sub(r"['\u2019]s\b", "", question).replace("\u2019", "'").replace("'", " ")
    plain = _DASH.sub(r"\1 to ", plain)
    words: list[str] = []
    for piece in _TOKEN.findall(plain):
        words.extend(_split(piece))
    return [token(word) for word in words]


def words_of(name: str) -> list[str]:
    """The words of an identifier: `bodyMass_g` -> body, mass, g."""
    return [word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+|[^\W\d_]+", name)]


def _split(piece: str) -> tuple[str, ...]:
    if piece in _SIGNS:
        return _SIGNS[piece]
    glued = _NUMBER_UNIT.fullmatch(piece)
    if (
        glued
        and not _ORDINAL.fullmatch(piece.lower())
        and glued[2].lower() in get_keywords().units
        and len(glued[2]) > 1
    ):
        return glued[1], glued[2]
    return (piece,)


def _number(lower: str) -> float | None:
    plain = lower.replace(",", "")
    if re.fullmatch(r"\d+(\.\d+)?", plain):
        return float(plain)
    return get_keywords().numbers.get(lower)
