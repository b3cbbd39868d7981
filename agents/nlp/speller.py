"""Typing errors put right: an unknown word that is nearly a word of the schema or of the general English known here."""

from collections.abc import Iterable

from rapidfuzz import process
from rapidfuzz.distance import OSA

from agents.nlp.keywords import get_keywords
from agents.nlp.lexicon import Lexicon
from agents.nlp.periods import PERIOD_WORDS
from agents.nlp.tokens import Token, read_as, stem

_SHORTEST = 5
_LONG = 8
_ALIKE = 80


class Speller:
    """Knows every word the planner can use on one schema."""

    def __init__(self, lexicon: Lexicon) -> None:
        keywords = get_keywords()
        general = {word for words in keywords.phrases for word in words} | {
            w for p in keywords.properties for w in p.words
        }
        self._words = general | set(keywords.units) | set(keywords.numbers) | PERIOD_WORDS | lexicon.words
        self._stems = {stem(word) for word in self._words} | set(lexicon.partial)
        self._targets = sorted(word for word in self._words if len(word) >= _SHORTEST)
        self._named = sorted(word for word in lexicon.words if len(word) >= _SHORTEST)

    def corrected(self, tokens: Iterable[Token]) -> list[Token]:
        """The tokens, with near misses replaced by the word meant."""
        return [self._corrected(token) for token in tokens]

    def near(self, word: str) -> list[str]:
        """Up to three words of the schema that look like this one, for suggestions."""
        found = process.extract(word.lower(), self._named, limit=3, score_cutoff=_ALIKE)
        return [match for match, _, _ in found]

    def _corrected(self, token: Token) -> Token:
        word = token.lower
        if len(word) < _SHORTEST or not word.isalpha() or word in self._words or token.stems & self._stems:
            return token
        allowed = 2 if len(word) >= _LONG else 1
        close = [
            target
            for target in self._targets
            if target[0] == word[0] and OSA.distance(word, target, score_cutoff=allowed) <= allowed
        ]
        nearest = sorted(close, key=lambda target: OSA.distance(word, target))
        best = {stem(t) for t in nearest if OSA.distance(word, t) == OSA.distance(word, nearest[0])}
        return read_as(token, nearest[0]) if len(best) == 1 else token
