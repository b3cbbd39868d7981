"""A plan in the making: the marks of the question, which of them are used up, and what they gave so far."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from agents.nlp.keywords import get_keywords
from agents.nlp.lexicon import Ref, RefKind, column_terms
from agents.nlp.marks import Mark
from agents.nlp.plan import Chart, ColumnRef, Dimension, Filter, Having, Measure, Order, Period, TimeAxis
from agents.nlp.refusal import RefusalError
from agents.nlp.scope import Scope
from agents.nlp.tokens import Token, stem


@dataclass
class Draft:
    """Each rule takes unused marks, adds to the plan, and uses them up; what stays unused was not understood."""

    tokens: Sequence[Token]
    marks: list[Mark]
    scope: Scope
    used: set[int] = field(default_factory=set)
    measures: list[Measure] = field(default_factory=list)
    dimensions: list[Dimension] = field(default_factory=list)
    conditions: list[Filter] = field(default_factory=list)
    periods: list[Period] = field(default_factory=list)
    time_axis: TimeAxis | None = None
    having: Having | None = None
    order: Order = Order.NONE
    limit: int | None = None
    sample: int | None = None
    ranked: bool = False
    chart: Chart = Chart.AUTO
    assumptions: list[str] = field(default_factory=list)
    entities: list[dict[str, str]] = field(default_factory=list)
    values_of: dict[int, ColumnRef] = field(default_factory=dict)
    said_at: dict[Filter, int] = field(default_factory=dict)
    period_of: dict[int, Period] = field(default_factory=dict)

    def use(self, *indices: int) -> None:
        """These marks have given what they mean."""
        self.used.update(indices)

    def require(self, condition: Filter, i: int) -> None:
        """Keep only rows that fulfil what mark `i` says."""
        self.conditions.append(condition)
        self.said_at[condition] = i

    def assume(self, text: str) -> None:
        """Say what was taken for granted, once."""
        if text not in self.assumptions:
            self.assumptions.append(text)

    def open_marks(self, *classes: str) -> Iterator[int]:
        """The unused marks of these classes (or all), in the question's order."""
        return (i for i, m in enumerate(self.marks) if i not in self.used and (not classes or m.is_a(*classes)))

    def after(self, i: int) -> int | None:
        """The next mark that is not a mere filler, used or not."""
        return next((k for k in range(i + 1, len(self.marks)) if not self._filler(k)), None)

    def before(self, i: int) -> int | None:
        """The previous mark that is not a mere filler."""
        return next((k for k in range(i - 1, -1, -1) if not self._filler(k)), None)

    def direction(self, i: int) -> str | None:
        """The side (`out`, `in`) that words right before mark `i` (or `bound` after it) speak of."""
        if i + 1 < len(self.marks) and self.marks[i + 1].text.lower() == "bound":
            return "in"
        for k in range(i - 1, max(i - 5, -1), -1):
            mark = self.marks[k]
            side = mark.classes.get("direction") or {"departure": "out", "arrival": "in"}.get(
                mark.classes.get("motion", "")
            )
            if side:
                return side
            if not (mark.soft or mark.of(RefKind.TABLE) or mark.text.lower() == "each"):
                return None
        return None

    def spoken_columns(self) -> list[str]:
        """The names of all columns of the base table that the question names."""
        return [ref.column for m in self.marks for ref in m.of(RefKind.COLUMN) if ref.table == self.scope.base]

    def column(self, i: int, *, numeric: bool | None = None) -> ColumnRef | None:
        """The column mark `i` names, None if it names none. Raises `RefusalError` when it may be several."""
        mark = self.marks[i]
        if self.names_rows(i):
            return None
        refs = [r for r in mark.of(RefKind.COLUMN) if self._fits(r, numeric)]
        partial = not refs
        if partial:
            refs = [r for r in mark.of(RefKind.PARTIAL) if self._fits(r, numeric)] if not mark.classes else []
        found = self._narrowed(self.scope.near(refs), mark)
        if len(found) > 1:
            names = [f"{ref.column.replace('_', ' ')}" for ref in found]
            raise RefusalError(
                f"“{mark.text}” may mean {' or '.join(names)}.", did_you_mean=names, unmatched=[mark.text]
            )
        if not found:
            return None
        if (partial or mark.prop) and not any(
            text.startswith(f"“{mark.text}” is taken as") for text in self.assumptions
        ):
            self.assume(f"“{mark.text}” is read as {found[0].column.replace('_', ' ')}.")
        return self.located(found[0], i)

    def names_rows(self, i: int) -> bool:
        """Whether mark `i` names the table whose rows are asked about."""
        return self.scope.base in {ref.table for ref in self.marks[i].of(RefKind.TABLE)}

    def located(self, ref: Ref, i: int) -> ColumnRef:
        """The column with the way to its table, as the words around mark `i` say."""
        if not ref.table or self.scope.distance(ref.table) == 0:
            return ColumnRef(table=ref.table, name=ref.column)
        via = self.scope.path(ref.table, self.direction(i), self.spoken_columns())
        return ColumnRef(table=ref.table, name=ref.column, via=via)

    def _fits(self, ref: Ref, numeric: bool | None) -> bool:
        return numeric is None or self.scope.is_numeric(ref.table, ref.column) is numeric

    def _narrowed(self, refs: list[Ref], mark: Mark) -> list[Ref]:
        """Of several columns those that share most words with the rest of the question."""
        columns = list({(ref.table, ref.column): ref for ref in refs}.values())
        if len(columns) < 2:
            return columns
        spoken = self._spoken_stems(mark)
        shared = [
            len(spoken & {s for term in column_terms(self.scope.lexicon.column(r.table, r.column)) for s in term})
            for r in columns
        ]
        best = [ref for ref, count in zip(columns, shared, strict=True) if count == max(shared)]
        named = [ref for ref in best if ref.column.lower().replace("_", " ") == mark.text.lower()]
        return named or self._first_side(best, mark)

    def _first_side(self, refs: list[Ref], mark: Mark) -> list[Ref]:
        """Of two columns that are the two sides of one thing (departure and arrival delay), the first, and say so."""
        sides = [self._side(ref) for ref in refs]
        if len(refs) != 2 or set(sides) != {"out", "in"}:
            return refs
        names = [ref.column.replace("_", " ") for ref in refs]
        first = sides.index("out")
        self.assume(f"“{mark.text}” is taken as {names[first]}, not {names[1 - first]}.")
        return [refs[first]]

    def _side(self, ref: Ref) -> str | None:
        words = {s for term in column_terms(self.scope.lexicon.column(ref.table, ref.column)) for s in term}
        sides = [
            side for side, nouns in get_keywords().direction_nouns.items() if words & {stem(noun) for noun in nouns}
        ]
        return sides[0] if len(sides) == 1 else None

    def _spoken_stems(self, mark: Mark) -> set[str]:
        own = {s for t in self.tokens[mark.start : mark.end] for s in t.stems}
        free = [m for i, m in enumerate(self.marks) if m is not mark and i not in self.used]
        stems = {s for m in free if m.of(RefKind.PARTIAL) for t in self.tokens[m.start : m.end] for s in t.stems}
        motions = [m.classes["motion"] for m in free if m.is_a("motion")]
        return (stems | {stem(word) for word in motions}) - own

    def _filler(self, k: int) -> bool:
        return self.marks[k].soft and self.marks[k].is_a("filler")


def family(unit: str) -> str:
    """The family of a unit word, empty when it is none."""
    known = get_keywords().units.get(unit) or get_keywords().units.get(unit.lower())
    return known.family if known else ""
