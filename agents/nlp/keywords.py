"""The general English the planner knows, read from `keywords.yaml` and typed."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

_FILE = Path(__file__).with_name("keywords.yaml")
Words = tuple[str, ...]


@dataclass(frozen=True)
class Property:
    """How something is (`heavy`), how one asks for it (`weigh`), and the nouns that measure it (`weight`, `mass`)."""

    high: frozenset[str]
    low: frozenset[str]
    comparatives: frozenset[str]
    superlatives: frozenset[str]
    verbs: frozenset[str]
    nouns: Words
    units: frozenset[str]
    bare: bool

    @property
    def words(self) -> frozenset[str]:
        """Every word that points to this property."""
        return self.high | self.low | self.comparatives | self.superlatives | self.verbs


@dataclass(frozen=True)
class Unit:
    """A unit's family and its size in the family's base unit."""

    family: str
    size: float


@dataclass(frozen=True)
class Keywords:
    """All classes. `phrases` maps the words of a phrase to the classes it is in, as (class, member)."""

    phrases: dict[Words, tuple[tuple[str, str], ...]]
    properties: tuple[Property, ...]
    forms: dict[str, frozenset[str]]
    abbreviations: dict[str, str]
    units: dict[str, Unit]
    numbers: dict[str, float]
    direction_nouns: dict[str, frozenset[str]]
    additive: frozenset[str]
    going_on: frozenset[str]
    pointing_back: frozenset[str]
    opening: frozenset[str]
    longest: int

    def classes(self, words: Words) -> dict[str, str]:
        """The classes this phrase is in, each with its member (`aggregate` -> `avg`)."""
        return dict(self.phrases.get(words, ()))


_GROUPED = {
    "aggregates": "aggregate",
    "superlatives": "superlative",
    "top": "top",
    "sorting": "sorting",
    "grains": "grain",
    "charts": "chart",
    "comparators": "comparator",
    "motions": "motion",
    "unsupported": "unsupported",
}
_FLAT = (
    "judgements",
    "group",
    "which",
    "compare",
    "relation",
    "distribution",
    "trend",
    "change",
    "grain_links",
    "whole",
    "negation",
    "no",
    "missing",
    "present",
    "list",
    "label",
    "how",
    "filler",
)


@cache
def get_keywords() -> Keywords:
    """The classes, read once."""
    raw: dict[str, Any] = yaml.load(_FILE.read_text(encoding="utf-8"), yaml.BaseLoader)  # noqa: S506 - words only: `no` and `off` stay words
    phrases: dict[Words, dict[str, str]] = {}
    for name, kind in _GROUPED.items():
        for member, members in raw[name].items():
            _add(phrases, members, kind, member)
    for name in _FLAT:
        _add(phrases, raw[name], name, name)
    for member, direction in raw["directions"].items():
        _add(phrases, direction["words"], "direction", member)
    return Keywords(
        phrases={words: tuple(found.items()) for words, found in phrases.items()},
        properties=tuple(_property(entry) for entry in raw["properties"]),
        forms=_forms(raw["word_forms"]),
        abbreviations=dict(raw["abbreviations"]),
        units={
            word: Unit(family, float(size)) for family, sizes in raw["units"].items() for word, size in sizes.items()
        },
        numbers={word: float(value) for word, value in raw["numbers"].items()},
        direction_nouns={member: frozenset(direction["nouns"]) for member, direction in raw["directions"].items()},
        additive=frozenset(raw["additive"]),
        going_on=frozenset(raw["clauses"]["going_on"]),
        pointing_back=frozenset(raw["clauses"]["pointing_back"]),
        opening=frozenset(raw["clauses"]["opening"]),
        longest=max(len(words) for words in phrases),
    )


def _add(phrases: dict[Words, dict[str, str]], members: list[str], kind: str, member: str) -> None:
    for phrase in members:
        phrases.setdefault(tuple(phrase.lower().replace("'", " ").split()), {})[kind] = member


def _forms(groups: list[list[str]]) -> dict[str, frozenset[str]]:
    found: dict[str, frozenset[str]] = {}
    for group in groups:
        for word in group:
            found[word] = found.get(word, frozenset()) | frozenset(group) - {word}
    return found


def _property(entry: dict[str, Any]) -> Property:
    adjectives = [*entry["high"], *entry["low"]]
    return Property(
        high=frozenset(entry["high"]),
        low=frozenset(_all_forms(entry["low"])),
        verbs=frozenset(entry.get("verbs", ())),
        comparatives=frozenset([*(_graded(a, "er") for a in adjectives), *entry.get("comparative", ())]),
        superlatives=frozenset([*(_graded(a, "est") for a in adjectives), *entry.get("superlative", ())]),
        nouns=tuple(entry["nouns"]),
        units=frozenset(entry["units"]),
        bare=entry.get("bare") == "true",
    )


def _all_forms(adjectives: list[str]) -> list[str]:
    return [form for a in adjectives for form in (a, _graded(a, "er"), _graded(a, "est"))]


def _graded(adjective: str, ending: str) -> str:
    """Comparative or superlative: heavy -> heavier, late -> later, hot -> hotter, long -> longer."""
    if adjective.endswith("y"):
        return f"{adjective[:-1]}i{ending}"
    if adjective.endswith("e"):
        return adjective + ending[1:]
    doubled = len(adjective) == 3 and adjective[-1] in "bdgmnpt" and adjective[-2] in "aeiou"
    return adjective + (adjective[-1] if doubled else "") + ending
