"""Units of a result's columns: those of the columns they come from, as long as what is done to them keeps the unit."""

from collections.abc import Sequence

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
_MAX_DEPTH = 50


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
        except SqlglotError:  # DuckDB understood the statement, sqlglot did not: the rows are right, units unknown
            return unknown
        units = self._outputs(scope, 0) if scope else []
        return units if len(units) == width else unknown

    def _outputs(self, scope: Scope, depth: int) -> list[str | None]:
        query = scope.expression
        if depth > _MAX_DEPTH or not isinstance(query, exp.Query) or query.args.get("by_name"):
            return []
        if isinstance(query, exp.SetOperation):
            sides = [self._outputs(side, depth + 1) for side in scope.set_operation_scopes]
            return [units[0] if len(set(units)) == 1 else None for units in zip(*sides, strict=False)]
        return [self._unit(item, scope, depth) for item in query.selects]

    def _unit(self, item: exp.Expr, scope: Scope, depth: int) -> str | None:
        if isinstance(item, exp.Column):
            return self._column(item, scope, depth)
        if isinstance(item, _KEEPS_UNIT):
            return self._unit(item.this, scope, depth)
        if isinstance(item, _SAME_ON_BOTH_SIDES):
            units = {
                self._unit(part, scope, depth)
                for part in (item.this, item.args.get("expression"), *item.expressions)
                if part is not None
            }
            return units.pop() if len(units) == 1 else None
        return None

    def _column(self, column: exp.Column, scope: Scope, depth: int) -> str | None:
        source = scope.sources.get(column.table)
        if isinstance(source, exp.Table):
            return self._units.get((source.name.lower(), column.name.lower()))
        if not isinstance(source, Scope):
            return None
        query = source.expression
        names = [name.lower() for name in query.named_selects] if isinstance(query, exp.Query) else []
        return dict(zip(names, self._outputs(source, depth + 1), strict=False)).get(column.name.lower())
