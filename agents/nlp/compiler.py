"""The one way from a plan to SQL (DuckDB): built as a tree, checked against the schema, then written."""

from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.qualify import qualify

from agents.contract import DataSchema
from agents.nlp.joins import Joins, Path
from agents.nlp.plan import Aggregate, ColumnRef, Dimension, Filter, Grain, Having, Measure, Operator, Order, QueryPlan
from agents.nlp.sql_columns import SqlColumns
from agents.nlp.sql_time import grain_sql, period_sql, weekday_number

_SIMPLE: dict[Aggregate, str] = {
    Aggregate.AVG: "avg",
    Aggregate.SUM: "sum",
    Aggregate.MIN: "min",
    Aggregate.MAX: "max",
    Aggregate.MEDIAN: "median",
    Aggregate.STDDEV: "stddev",
}
_BINARY: dict[Operator, type[exp.Binary]] = {
    Operator.EQ: exp.EQ,
    Operator.NE: exp.NEQ,
    Operator.GT: exp.GT,
    Operator.GE: exp.GTE,
    Operator.LT: exp.LT,
    Operator.LE: exp.LTE,
}


class PlanError(ValueError):
    """The plan names something the schema does not have."""


def compile_plan(plan: QueryPlan, schema: DataSchema) -> str:
    """One readable SELECT for the plan. Raises `PlanError` when it does not fit the schema."""
    columns = SqlColumns(plan)
    query = exp.select(*_selected(plan, columns)).from_(columns.table(plan.table, ()))
    for path in columns.joined:
        query = _join(query, plan, columns, path, Joins(schema))
    for condition in [*(condition_sql(f, columns) for f in plan.filters), *_periods(plan, columns)]:
        query = query.where(condition)
    if plan.dimensions:
        query = query.group_by(*(exp.Literal.number(i + 1) for i in range(len(plan.dimensions))))
    if plan.having is not None:
        query = query.having(_having(plan.measures[0], plan.having, columns))
    query = _ordered(query, plan, columns)
    if plan.limit is not None:
        query = query.limit(plan.limit)
    _check(query, schema)
    return query.sql(dialect="duckdb") if plan.sample is None else _sampled(query, plan.sample)


def _sampled(query: exp.Select, rows: int) -> str:
    """A fixed sample of the query's rows: it is drawn before WHERE, so the conditions stay in a query inside."""
    whole = exp.select("*").from_(query.subquery())
    return f"{whole.sql(dialect='duckdb')} USING SAMPLE reservoir({rows} ROWS) REPEATABLE (1)"


def _selected(plan: QueryPlan, columns: SqlColumns) -> list[exp.Expr]:
    groups = [columns.named(_dimension(d, plan, columns), columns.dimension_name(d)) for d in plan.dimensions]
    return groups + [
        columns.named(measure_sql(m, columns, grouped=bool(groups)), columns.measure_name(m)) for m in plan.measures
    ]


def _dimension(dimension: Dimension, plan: QueryPlan, columns: SqlColumns) -> exp.Expr:
    if dimension.grain is not None and plan.time_axis is not None:
        return grain_sql(dimension.grain, plan.time_axis, columns)
    column = columns.column(dimension.by)
    if dimension.bin_width is None:
        return column
    width = exp.Literal.number(f"{dimension.bin_width:g}")
    return exp.Mul(this=exp.Floor(this=exp.Div(this=column, expression=width)), expression=width.copy())


def measure_sql(measure: Measure, columns: SqlColumns, *, grouped: bool) -> exp.Expr:
    """The expression of a measure; a share is of its group when it has a condition, else of all rows."""
    if measure.aggregate is Aggregate.SHARE:
        return _share(measure, columns, grouped=grouped)
    if measure.column is None:
        return exp.Count(this=exp.Star())
    column = columns.column(measure.column)
    if measure.aggregate is Aggregate.NONE:
        return column
    if measure.aggregate is Aggregate.COUNT_DISTINCT:
        return exp.Count(this=exp.Distinct(expressions=[column]))
    if measure.aggregate is Aggregate.COUNT:
        return exp.Count(this=column)
    return exp.func(_SIMPLE[measure.aggregate], column, dialect="duckdb")


def _share(measure: Measure, columns: SqlColumns, *, grouped: bool) -> exp.Expr:
    count: exp.Expr = exp.Count(this=exp.Star())
    if measure.column is not None:
        count = exp.Sum(this=columns.column(measure.column))
    hundred = exp.Literal.number("100.0")
    if measure.where:
        condition = exp.and_(*(condition_sql(f, columns) for f in measure.where))
        part = exp.Filter(this=count, expression=exp.Where(this=condition))
        return exp.Div(this=exp.Mul(this=hundred, expression=part), expression=count.copy())
    whole = exp.Window(this=exp.Sum(this=count.copy())) if grouped else count.copy()
    return exp.Div(this=exp.Mul(this=hundred, expression=count), expression=whole)


def condition_sql(condition: Filter, columns: SqlColumns) -> exp.Expr:
    """A filter as a condition."""
    return _compared(columns.column(condition.column), condition.operator, [exp.convert(v) for v in condition.values])


def _compared(left: exp.Expr, operator: Operator, values: list[exp.Expr]) -> exp.Expr:
    if operator in _BINARY:
        return _BINARY[operator](this=left, expression=values[0])
    if operator is Operator.BETWEEN:
        return exp.Between(this=left, low=values[0], high=values[1])
    if operator in (Operator.IN, Operator.NOT_IN):
        found = exp.In(this=left, expressions=values)
        return found if operator is Operator.IN else exp.Not(this=found)
    null = exp.Is(this=left, expression=exp.Null())
    return null if operator is Operator.IS_NULL else exp.Not(this=null)


def _periods(plan: QueryPlan, columns: SqlColumns) -> list[exp.Expr]:
    if plan.time_axis is None:
        return []
    return [condition for period in plan.periods for condition in period_sql(period, plan.time_axis, columns)]


def _having(measure: Measure, having: Having, columns: SqlColumns) -> exp.Expr:
    return _compared(
        measure_sql(measure, columns, grouped=True), having.operator, [exp.convert(v) for v in having.values]
    )


def _ordered(query: exp.Select, plan: QueryPlan, columns: SqlColumns) -> exp.Select:
    if plan.order is Order.NONE:
        return query
    dimensions = [_in_order(place, d, plan, columns) for place, d in enumerate(plan.dimensions, 1)]
    if plan.order is Order.DIMENSIONS:
        return query.order_by(*dimensions)
    return query.order_by(_by(len(plan.dimensions) + 1, descending=plan.order is Order.MEASURE_DESC), *dimensions)


def _in_order(place: int, dimension: Dimension, plan: QueryPlan, columns: SqlColumns) -> exp.Ordered:
    """By the values of the group; weekdays by their place in the week, as their names would come by the alphabet."""
    if dimension.grain is Grain.WEEKDAY and plan.time_axis is not None:
        return exp.Ordered(this=exp.Min(this=weekday_number(plan.time_axis, columns)), desc=False, nulls_first=False)
    return _by(place)


def _by(position: int, *, descending: bool = False) -> exp.Ordered:
    return exp.Ordered(this=exp.Literal.number(position), desc=descending, nulls_first=False)


def _join(query: exp.Select, plan: QueryPlan, columns: SqlColumns, path: Path, joins: Joins) -> exp.Select:
    table = plan.table
    for name in path[:-1]:
        table = joins.key(table, name).ref_table
    key = joins.key(table, path[-1])
    pairs = [
        exp.EQ(
            this=columns.column(ColumnRef(table=table, name=own, via=path[:-1])),
            expression=columns.column(ColumnRef(table=key.ref_table, name=ref, via=path)),
        )
        for own, ref in zip(key.columns, key.ref_columns, strict=True)
    ]
    return query.join(columns.table(key.ref_table, path), on=exp.and_(*pairs))


def _check(query: exp.Select, schema: DataSchema) -> None:
    known: dict[str, object] = {t.name: {c.name: c.sql_type or "VARCHAR" for c in t.columns} for t in schema.tables}
    try:
        qualify(query.copy(), schema=known, dialect="duckdb", validate_qualify_columns=True)
    except SqlglotError as error:
        raise PlanError(str(error)) from error
