"""The table a question is about, and what its words name as seen from there."""

from collections.abc import Sequence
from dataclasses import dataclass

from agents.contract import ColumnSchema
from agents.nlp.joins import Path
from agents.nlp.keywords import get_keywords
from agents.nlp.lexicon import Lexicon, Ref, RefKind, column_terms
from agents.nlp.marks import Mark
from agents.nlp.plan import ColumnRef
from agents.nlp.refusal import RefusalError
from agents.nlp.timeline import Timeline, timelines
from agents.nlp.tokens import stem, words_of

_FAR = 100.0
_NUMERIC = ("number", "integer")


@dataclass(frozen=True)
class Scope:
    """`base` is the table whose rows are asked about; `paths` the ways to the others."""

    lexicon: Lexicon
    base: str
    paths: dict[str, list[Path]]

    def distance(self, table: str) -> float:
        """How many joins away a table is."""
        return float(len(self.paths[table][0])) if table in self.paths else _FAR

    def near(self, refs: Sequence[Ref]) -> list[Ref]:
        """The refs with the fewest joins; those that cannot be reached are left out."""
        within = [ref for ref in refs if ref.table in self.paths]
        least = min((self.distance(ref.table) for ref in within), default=_FAR)
        return list(dict.fromkeys(ref for ref in within if self.distance(ref.table) == least))

    def schema(self, column: ColumnRef) -> ColumnSchema:
        """What is known of a column."""
        return self.lexicon.column(column.table, column.name)

    def is_numeric(self, table: str, column: str) -> bool:
        """Whether a column can be averaged: a number, and no key of its table."""
        known = self.lexicon.table(table)
        keys = {*known.primary_key, *(name for key in known.foreign_keys for name in key.columns)}
        return (
            self.lexicon.column(table, column).type in _NUMERIC
            and column not in keys
            and words_of(column)[-1:] != ["id"]
        )

    def path(self, table: str, direction: str | None, spoken: Sequence[str]) -> Path:
        """The way to a table; of several the one the words speak of. Raises `RefusalError` if none is meant."""
        ways = self.paths[table]
        if len(ways) == 1:
            return ways[0]
        fitting = [way for way in ways if any(self.points(way[0].split("+")[0], side) for side in (direction,) if side)]
        fitting = fitting or [way for way in ways if set(way[0].split("+")) & set(spoken)]
        if len(fitting) == 1:
            return fitting[0]
        names = [way[0].replace("+", " and ") for way in ways]
        raise RefusalError(f"“{table}” can be meant in {len(ways)} ways: {', '.join(names)}.", did_you_mean=names)

    def choices(self, way: Path) -> int:
        """How many different values the key has that the way begins with; 0 when that is not known."""
        name = way[0].split("+")[0]
        known = next(c for c in self.lexicon.table(self.base).columns if c.name == name)
        return known.distinct_count or 0

    def points(self, column: str, direction: str) -> bool:
        """Whether a column of the base table names the side a direction word (`from`, `to`) speaks of."""
        nouns = {stem(noun) for noun in get_keywords().direction_nouns[direction]}
        known = next((c for c in self.lexicon.table(self.base).columns if c.name == column), None)
        return known is not None and any(nouns & set(term) for term in column_terms(known))

    def timelines(self) -> list[Timeline]:
        """How the base table tells time, else the nearest table that does."""
        for table, ways in sorted(self.paths.items(), key=lambda item: len(item[1][0])):
            found = timelines(self.lexicon.table(table), ways[0])
            if found:
                return found
        return []


def choose_scope(marks: Sequence[Mark], lexicon: Lexicon) -> Scope:
    """The table from which all that is named is the fewest joins away. Raises `RefusalError` when two are as near."""
    scopes = [Scope(lexicon, t.name, lexicon.joins.paths(t.name)) for t in lexicon.schema.tables]
    costs = {scope.base: _cost(scope, marks) for scope in scopes}
    least = min(costs.values())
    nearest = [scope for scope in scopes if costs[scope.base] == least]
    if len(nearest) > 1:
        names = [scope.base for scope in nearest]
        raise RefusalError(
            "It is not clear which table is meant.",
            did_you_mean=names,
            suggestions=[f"Name what is asked about: {', '.join(names)}."],
        )
    return nearest[0]


def _cost(scope: Scope, marks: Sequence[Mark]) -> float:
    named = [m for m in marks if m.refs and not m.soft and not (m.classes and not _names(m))]
    total = sum(
        min((scope.distance(ref.table) + (ref.kind is RefKind.PARTIAL) for ref in mark.refs), default=0.0)
        for mark in named
    )
    if any(m.period for m in marks) and not scope.timelines():
        total += _FAR
    counted = _counted_tables(marks)
    total += 5 * bool(counted and scope.base not in counted)
    return total + 2 * (not any(_is_home(scope, mark) for mark in named))


def _names(mark: Mark) -> bool:
    return any(ref.kind is not RefKind.PARTIAL for ref in mark.refs)


def _is_home(scope: Scope, mark: Mark) -> bool:
    tables = {ref.table for ref in mark.of(RefKind.TABLE)}
    return scope.base in tables or any(
        r.table == scope.base and scope.is_numeric(r.table, r.column) for r in mark.of(RefKind.COLUMN)
    )


def _counted_tables(marks: Sequence[Mark]) -> set[str]:
    """The tables whose rows are counted: named right after `how many` or right before `count`."""
    content = [m for m in marks if not (m.is_a("filler") and m.soft) and not m.of(RefKind.VALUE)]
    for i, mark in enumerate(content):
        if mark.classes.get("aggregate", "").startswith(("count", "share")):
            beside = [*content[i + 1 : i + 2], *content[max(i - 1, 0) : i]]
            tables = next(({r.table for r in m.of(RefKind.TABLE)} for m in beside if m.of(RefKind.TABLE)), set())
            if tables:
                return tables
    return set()
