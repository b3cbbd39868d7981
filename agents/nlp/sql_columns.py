"""Names in SQL: which joins a plan needs, how its tables are called there, and what its result columns are named."""

import re
from collections.abc import Iterator

from sqlglot import exp

from agents.nlp.joins import Path
from agents.nlp.plan import Aggregate, ColumnRef, Dimension, Measure, QueryPlan

_PLAIN = re.compile(r"[a-z_][a-z0-9_]*")
_RESERVED = frozenset(
    [
        "all",
        "analyse",
        "analyze",
        "and",
        "any",
        "array",
        "as",
        "asc",
        "asymmetric",
        "both",
        "case",
        "cast",
        "check",
        "collate",
        "column",
        "constraint",
        "create",
        "default",
        "deferrable",
        "desc",
        "describe",
        "distinct",
        "do",
        "else",
        "end",
        "except",
        "false",
        "fetch",
        "for",
        "foreign",
        "from",
        "group",
        "having",
        "in",
        "initially",
        "intersect",
        "into",
        "lambda",
        "lateral",
        "leading",
        "limit",
        "not",
        "null",
        "offset",
        "on",
        "only",
        "or",
        "order",
        "pivot",
        "placing",
        "primary",
        "qualify",
        "references",
        "returning",
        "select",
        "show",
        "some",
        "summarize",
        "symmetric",
        "table",
        "then",
        "to",
        "trailing",
        "true",
        "union",
        "unique",
        "unpivot",
        "using",
        "variadic",
        "when",
        "where",
        "window",
        "with",
    ]
)


_PREFIXES = {aggregate: aggregate.value for aggregate in Aggregate} | {
    Aggregate.COUNT: "num",
    Aggregate.COUNT_DISTINCT: "num",
    Aggregate.SHARE: "percent_of",
}


class SqlColumns:
    """How the columns of one plan are written: with their table when there are joins, plain when there are none."""

    def __init__(self, plan: QueryPlan) -> None:
        self._plan = plan
        self.joined: list[Path] = []
        for ref in _refs(plan):
            for length in range(1, len(ref.via) + 1):
                if ref.via[:length] not in self.joined:
                    self.joined.append(ref.via[:length])
        self._tables = {ref.via: ref.table for ref in _refs(plan)}

    def table(self, name: str, via: Path) -> exp.Expr:
        """A table in FROM or JOIN, renamed when it is joined in more than one way."""
        alias = self._alias(name, via)
        table = exp.Table(this=_identifier(name))
        return table if alias == name else exp.alias_(table, _identifier(alias), table=True)

    def column(self, ref: ColumnRef) -> exp.Column:
        """A column, with its table when there are joins."""
        table = _identifier(self._alias(ref.table, ref.via)) if self.joined else None
        return exp.Column(this=_identifier(ref.name), table=table)

    def named(self, expression: exp.Expr, name: str) -> exp.Expr:
        """The expression under a result name; a column that has the name already stays as it is."""
        if isinstance(expression, exp.Column) and expression.name == name:
            return expression
        return exp.alias_(expression, _identifier(name))

    def dimension_name(self, dimension: Dimension) -> str:
        """`month`, `carrier`, `distance_bin`."""
        if dimension.grain is not None:
            return "date" if dimension.grain.value == "day" else dimension.grain.value
        return dimension.by.name + ("_bin" if dimension.bin_width is not None else "")

    def measure_name(self, measure: Measure) -> str:
        """`avg_dep_delay`, `num_flights`, `percent_of_flights`; a column shown as it is keeps its name."""
        if measure.aggregate is Aggregate.NONE and measure.column is not None:
            return measure.column.name
        subject = measure.column.name if measure.column is not None else self._plan.table
        return re.sub(r"\W+", "_", f"{_PREFIXES[measure.aggregate]}_{subject}".lower()).strip("_")

    def _alias(self, name: str, via: Path) -> str:
        same = [path for path in self.joined if path != via and self._tables.get(path) == name]
        return f"{'_'.join(via).replace('+', '_')}_{name}" if via and (same or name == self._plan.table) else name


def _refs(plan: QueryPlan) -> Iterator[ColumnRef]:
    filters = [*plan.filters, *(f for m in plan.measures for f in m.where)]
    yield from (f.column for f in filters)
    yield from (m.column for m in plan.measures if m.column)
    yield from (d.column for d in plan.dimensions if d.column)
    axis = plan.time_axis
    if axis is not None and (plan.periods or any(d.grain for d in plan.dimensions)):
        yield from (ref for ref in (axis.moment, axis.year, axis.month, axis.day, axis.hour) if ref)


def _identifier(name: str) -> exp.Identifier:
    return exp.to_identifier(name, quoted=not _PLAIN.fullmatch(name) or name in _RESERVED)
