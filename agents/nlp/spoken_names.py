"""Columns and tables as people say them, from what the schema tells of them."""

import re

from agents.contract import ColumnSchema
from agents.nlp.keywords import get_keywords
from agents.nlp.lexicon import LABELS
from agents.nlp.tokens import words_of


def spoken(column: ColumnSchema) -> str:
    """Its own name if that is plain words (the description has them), else its first synonym, else its name."""
    return own_words(column) if _is_plain(column) or not column.synonyms else column.synonyms[0]


def spoken_from_afar(column: ColumnSchema, table: str) -> str:
    """A column of a joined table: a name of its own tells enough, else its table is told with it."""
    if column.synonyms and not (_is_plain(column) and column.name not in LABELS):
        return column.synonyms[0]
    return f"{own_words(column)} of {table_words(table)}"


def own_words(column: ColumnSchema) -> str:
    """The words of the column's name without the unit."""
    words = words_of(column.name)
    return " ".join(words[:-1] if len(words) > 1 and words[-1] in get_keywords().units else words)


def table_words(table: str) -> str:
    """The words of a table's name."""
    return table.replace("_", " ")


def plural(phrase: str) -> str:
    """The phrase with its last word in the plural: carrier -> carriers, city -> cities, branch -> branches."""
    if phrase.endswith("s"):
        return phrase
    if re.search(r"[^aeiou]y$", phrase):
        return f"{phrase[:-1]}ies"
    return phrase + ("es" if re.search(r"(x|z|ch|sh)$", phrase) else "s")


def _is_plain(column: ColumnSchema) -> bool:
    """Whether the name is no abbreviation: the description uses the same words."""
    return set(own_words(column).split()) <= {word.lower() for word in re.findall(r"\w+", column.description)}
