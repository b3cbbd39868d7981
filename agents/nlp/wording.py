"""A plan said in English, made from the plan alone, so that it says what is really computed."""

from agents.nlp.plan import Aggregate, ColumnRef, Dimension, Filter, Measure, Operator, Order, Period, QueryPlan

_AGGREGATES = {
    Aggregate.AVG: "the average",
    Aggregate.SUM: "the total",
    Aggregate.MIN: "the lowest",
    Aggregate.MAX: "the highest",
    Aggregate.MEDIAN: "the median",
    Aggregate.STDDEV: "the standard deviation of",
    Aggregate.NONE: "",
    Aggregate.COUNT_DISTINCT: "the number of different",
}
_OPERATORS = {
    Operator.EQ: "is",
    Operator.NE: "is not",
    Operator.GT: "is more than",
    Operator.GE: "is at least",
    Operator.LT: "is less than",
    Operator.LE: "is at most",
    Operator.BETWEEN: "is between",
    Operator.IN: "is one of",
    Operator.NOT_IN: "is none of",
    Operator.IS_NULL: "is empty",
    Operator.NOT_NULL: "is known",
}


def describe(plan: QueryPlan) -> str:
    """One sentence for a reader: what is computed, per what, of which rows, in which order."""
    text = ", ".join(_measure(m, plan.table) for m in plan.measures[:4]) + (", …" if len(plan.measures) > 4 else "")
    if plan.dimensions:
        text += " per " + " and ".join(_dimension(d) for d in plan.dimensions)
    conditions = [_filter(f) for f in plan.filters]
    if conditions:
        text += ", where " + " and ".join(conditions)
    if plan.periods:
        text += ", " + " and ".join(_period(p) for p in plan.periods)
    if plan.having is not None:
        text += f", only where this {_OPERATORS[plan.having.operator]} {_values(plan.having.values)}"
    return (text[:1].upper() + text[1:] + _ranking(plan)).removesuffix(".") + "."


def _ranking(plan: QueryPlan) -> str:
    if not plan.dimensions or plan.order not in (Order.MEASURE_ASC, Order.MEASURE_DESC):
        return f", at most {plan.limit} rows" if plan.limit else ""
    side = "highest" if plan.order is Order.MEASURE_DESC else "lowest"
    return (
        f", the {side} {plan.limit}"
        if plan.limit and plan.limit > 1
        else f", the {side}"
        if plan.limit
        else f", {side} first"
    )


def _measure(measure: Measure, table: str) -> str:
    if measure.aggregate is Aggregate.SHARE:
        of = f" where {' and '.join(_filter(f) for f in measure.where)}" if measure.where else ""
        return f"the percentage of {_column(measure.column) if measure.column else _plain(table)}{of}"
    if measure.column is None:
        return f"the number of {_plain(table)}"
    return f"{_AGGREGATES[measure.aggregate]} {_column(measure.column)}".strip()


def _dimension(dimension: Dimension) -> str:
    if dimension.grain is not None:
        return dimension.grain.value
    return _column(dimension.by) + (
        f" (in steps of {dimension.bin_width:g})" if dimension.bin_width is not None else ""
    )


def _filter(condition: Filter) -> str:
    return f"{_column(condition.column)} {_OPERATORS[condition.operator]} {_values(condition.values)}".strip()


def _period(period: Period) -> str:
    return f"in the time “{period.text}”"


def _values(values: tuple[object, ...]) -> str:
    return " and ".join(str(value) for value in values)


def _column(ref: ColumnRef) -> str:
    return f"{_plain(ref.name)} of {_plain(ref.table)}" if ref.via else _plain(ref.name)


def _plain(name: str) -> str:
    return name.replace("_", " ")
