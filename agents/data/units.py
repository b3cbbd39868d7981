"""Units of a result's columns: those of the columns they come from, as long as what is done to them keeps the unit."""

from collections.abc import Mapping, Sequence

from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import Scope, build_scope

from agents.contract import DataSchema
from agents.data.relations import Relation

# The average of minutes is minutes; their variance is not, and their count is a bare number.
_KEEPS_UNIT = (
    *(exp.Avg, exp.Min, exp.Max, exp.Sum, exp.Median, exp.Mode, exp.AnyValue, exp.First, exp.Last),
    *(exp.Quantile, exp.ApproxQuantile, exp.PercentileCont, exp.PercentileDisc, exp.ArgMax, exp.ArgMin),
    *(exp.Stddev, exp.StddevPop, exp.StddevSamp, exp.FirstValue, exp.LastValue, exp.NthValue, exp.Lag, exp.Lead),
    *(exp.Alias, exp.Paren, exp.Neg, exp.Abs, exp.Round, exp.Floor, exp.Ceil, exp.Cast, exp.TryCast),
    *(exp.Window, exp.Filter, exp.WithinGroup, exp.IgnoreNulls, exp.RespectNulls),
)
_SAME_ON_BOTH_SIDES = (exp.Add, exp.Sub, exp.Coalesce)


class ResultUnits:
    """Knows the units of the served columns and follows them through a statement."""

    def __init__(self, relations: Sequence[Relation], schema: DataSchema) -> None:
        types = {table.name: {column.name: column.sql_type for column in table.columns} for table in schema.tables}
        self._types: dict[str, object] = {
            each.schema: {other.name: types[other.name] for other in relations if other.schema == each.schema}
            for each in relations
        }
        self._units = {
            (table.name.lower(), column.name.lower()): column.unit
            for table in schema.tables
            for column in table.columns
        }

    def of(self, query: exp.Query, width: int) -> list[str | None]:
        """One unit for each of the `width` columns of `query`; None where it is not certain."""
        unknown: list[str | None] = [None] * width
        bare = query.copy()
        for select in bare.find_all(exp.Select):
            select.set("where", None)  # which rows are read changes no unit, and long conditions take long to qualify
        try:
            qualified = qualify(bare, schema=self._types, dialect="duckdb", validate_qualify_columns=False)
            scope = build_scope(qualified)
        except (SqlglotError, RecursionError):  # DuckDB understood the statement: the rows are right, units unknown
            return unknown
        units = _Lineage(self._units).outputs(scope) if scope else []
        return units if len(units) == width else unknown


class _Lineage:
    """One statement's way from its result back to the tables; each of its scopes is read once."""

    def __init__(self, units: Mapping[tuple[str, str], str | None]) -> None:
        self._units = units
        self._known: dict[int, list[str | None]] = {}

    def outputs(self, scope: Scope) -> list[str | None]:
        """A unit for each column that `scope` makes; none at all when they cannot be told apart."""
        if id(scope) not in self._known:
            self._known[id(scope)] = []  # a recursive expression reads itself
            self._known[id(scope)] = self._made(scope)
        return self._known[id(scope)]

    def _made(self, scope: Scope) -> list[str | None]:
        query = scope.expression
        if not isinstance(query, exp.Query) or query.args.get("by_name"):
            return []
        if isinstance(query, exp.SetOperation):
            sides = [self.outputs(side) for side in scope.set_operation_scopes]
            return [units[0] if len(set(units)) == 1 else None for units in zip(*sides, strict=False)]
        return [self._unit(item, scope) for item in query.selects]

    def _unit(self, item: exp.Expr, scope: Scope) -> str | None:
        if isinstance(item, exp.Column):
            return self._column(item, scope)
        if isinstance(item, _KEEPS_UNIT):
            return self._unit(item.this, scope)
        if isinstance(item, _SAME_ON_BOTH_SIDES):
            parts = (item.this, item.args.get("expression"), *item.expressions)
            units = {self._unit(part, scope) for part in parts if part is not None}
            return units.pop() if len(units) == 1 else None
        return None

    def _column(self, column: exp.Column, scope: Scope) -> str | None:
        source = scope.sources.get(column.table)
        if isinstance(source, exp.Table):
            return self._units.get((source.name.lower(), column.name.lower()))
        if not isinstance(source, Scope):
            return None
        query = source.expression
        names = [name.lower() for name in query.named_selects] if isinstance(query, exp.Query) else []
        return dict(zip(names, self.outputs(source), strict=False)).get(column.name.lower())
