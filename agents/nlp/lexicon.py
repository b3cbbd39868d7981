"""The words of one schema: which words name which table, column or value."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from agents.contract import ColumnSchema, DataSchema, TableSchema
from agents.nlp.joins import Joins
from agents.nlp.keywords import Property, get_keywords
from agents.nlp.tokens import stem, words_of

Stems = tuple[str, ...]
_SHORT_VALUE = 3
_SPELLED_VALUES = 50
_CLAUSE = re.compile(r"[;,:(.]")
_EMPTY_WHEN = re.compile(
    r"\b(?:empty|null|missing|blank|none) (?:when|if|for) (?:the \w+ (?:was|is) )?(\w+)", re.IGNORECASE
)
LABELS = frozenset({"name", "title", "label", "full_name"})


class RefKind(StrEnum):
    """What a word names."""

    TABLE = "table"
    COLUMN = "column"
    VALUE = "value"
    EMPTY = "empty"
    PARTIAL = "partial"


@dataclass(frozen=True)
class Ref:
    """One thing a word may name. `EMPTY`: rows where the column is null; `PARTIAL`: one word of the column's name."""

    kind: RefKind
    table: str
    column: str = ""
    values: tuple[str, ...] = ()
    exact: bool = True


@dataclass
class Lexicon:
    """The index of a schema. Made once per schema version; looking words up changes nothing."""

    schema: DataSchema
    terms: dict[Stems, list[Ref]] = field(default_factory=lambda: defaultdict(list))
    bags: dict[Stems, list[Ref]] = field(default_factory=lambda: defaultdict(list))
    partial: dict[str, list[Ref]] = field(default_factory=lambda: defaultdict(list))
    words: set[str] = field(default_factory=set)
    longest: int = 1

    def __post_init__(self) -> None:
        self.joins = Joins(self.schema)
        self._tables = {t.name: t for t in self.schema.tables}
        for table in self.schema.tables:
            self._add_table(table)
        self._add_partial_values()

    def table(self, name: str) -> TableSchema:
        """The table of this name."""
        return self._tables[name]

    def column(self, table: str, name: str) -> ColumnSchema:
        """The column of this name."""
        return next(c for c in self._tables[table].columns if c.name == name)

    def label(self, table: str) -> str | None:
        """The column that names a row of the table to people, if it has one besides its key."""
        own = {f"{stem(word)}_name" for word in words_of(table)}
        names = [
            c.name
            for c in self._tables[table].columns
            if c.type == "string" and c.name not in self._tables[table].primary_key
        ]
        return next((n for n in names if n.lower() in LABELS | own), None)

    def measured_by(self, prop: Property) -> list[Ref]:
        """The numeric columns that measure the property: by noun, else by unit."""
        nouns = [{stem(word) for word in noun.split()} for noun in prop.nouns]
        columns = [(t, c) for t in self.schema.tables for c in t.columns if c.type in ("number", "integer")]
        for noun in nouns:
            named = [
                Ref(RefKind.COLUMN, t.name, c.name)
                for t, c in columns
                if any(noun <= set(term) for term in column_terms(c))
            ]
            if named:
                return named
        return [Ref(RefKind.COLUMN, t.name, c.name) for t, c in columns if unit_of(c) in prop.units]

    def _add_table(self, table: TableSchema) -> None:
        names = [word for word in words_of(table.name) if not word.isdigit()]
        for words in (names, names[-1:], *(_row_noun(column, table) for column in table.columns)):
            self._add(words, Ref(RefKind.TABLE, table.name))
        for column in table.columns:
            ref = Ref(RefKind.COLUMN, table.name, column.name)
            for term in column_terms(column):
                self._add_stems(term, ref)
                for part in set(term):
                    self.partial[part].append(Ref(RefKind.PARTIAL, table.name, column.name))
            for word in _EMPTY_WHEN.findall(column.description):
                self._add([word], Ref(RefKind.EMPTY, table.name, column.name))
            for value in column.values:
                words = value_words(value)
                self._add_stems(
                    tuple(stem(word) for word in words), Ref(RefKind.VALUE, table.name, column.name, (value,))
                )
                self.words.update(word.lower() for word in words if len(column.values) <= _SPELLED_VALUES)
            self.words.update(word for text in (column.name, *column.synonyms) for word in words_of(text))

    def _add(self, words: Iterable[str], ref: Ref) -> None:
        plain = [word.lower() for word in words]
        self.words.update(plain)
        self._add_stems(tuple(stem(word) for word in plain), ref)

    def _add_stems(self, stems: Stems, ref: Ref) -> None:
        if not stems:
            return
        for index in (self.terms[stems], self.bags[tuple(sorted(stems))]):
            if ref not in index:
                index.append(ref)
        self.longest = max(self.longest, min(len(stems), 6))

    def _add_partial_values(self) -> None:
        """The first words of longer values (`Delta` of `Delta Air Lines Inc.`), with every value that starts so."""
        for table, column in ((t, c) for t in self.schema.tables for c in t.columns):
            starts: dict[Stems, list[str]] = defaultdict(list)
            for value in column.values:
                words = value_words(value)
                for length in range(1, len(words)):
                    starts[tuple(stem(word) for word in words[:length])].append(value)
            for stems, values in starts.items():
                if len("".join(stems)) > _SHORT_VALUE and len(values) <= 8 and not self._says_more(stems, table.name):
                    self._add_stems(stems, Ref(RefKind.VALUE, table.name, column.name, tuple(values), exact=False))

    def _says_more(self, stems: Stems, table: str) -> bool:
        """Whether these words already name something else: a keyword, or a table or column of this schema."""
        keyword = get_keywords().phrases.get(stems)
        named = any(ref.kind in (RefKind.TABLE, RefKind.COLUMN) for ref in self.terms.get(stems, ()))
        exact = any(ref.kind is RefKind.VALUE and ref.exact and ref.table == table for ref in self.terms.get(stems, ()))
        return bool(keyword) or named or exact


def unit_of(column: ColumnSchema) -> str:
    """The unit the schema gives, else the one the column's name ends with (`body_mass_g`)."""
    words = words_of(column.name)
    named = words[-1] if len(words) > 1 and words[-1] in get_keywords().units else ""
    return column.unit or named


def column_terms(column: ColumnSchema) -> list[Stems]:
    """All ways to name a column, as stems: its name (without unit, abbreviations long), synonyms, description."""
    phrases = list(_names(column.name, column.unit)) + [words_of(text) for text in column.synonyms]
    clause = [w for w in words_of(_CLAUSE.split(column.description)[0]) if w not in _stop_words()]
    if 0 < len(clause) <= 3:
        phrases.append(clause)
    seen = dict.fromkeys(
        tuple(stem(word) for word in phrase if word not in ("of", "the", "in", "at")) for phrase in phrases
    )
    return [term for term in seen if term]


def _names(name: str, unit: str | None) -> Iterator[list[str]]:
    words = words_of(name)
    long = [get_keywords().abbreviations.get(word, word) for word in words]
    for form in (words, long):
        yield form
        if len(form) > 1 and (form[-1] in get_keywords().units or form[-1] == (unit or "").lower()):
            yield form[:-1]


def _row_noun(column: ColumnSchema, table: TableSchema) -> list[str]:
    """What a row is called after its key: `Order ID` says that rows are orders."""
    words = words_of(column.name)
    own = [column.name] == table.primary_key or (column.distinct_count or -1) == table.row_count
    return words[:-1] if own and words[-1:] in (["id"], ["key"]) else []


def value_words(value: str) -> list[str]:
    """The first words of a value; nobody types more of them."""
    return re.findall(r"[^\W_]+", value)[:6]


def _stop_words() -> frozenset[str]:
    return frozenset({"of", "the", "in", "at", "a", "an", "to", "for", "and", "or", "by"})
