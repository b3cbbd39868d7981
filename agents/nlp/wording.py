"""A plan said in English, made from the plan alone, so that it says what is really computed."""

from agents.contract import DataSchema
from agents.nlp.plan import Aggregate, ColumnRef, Dimension, Filter, Measure, Operator, Order, QueryPlan
from agents.nlp.spoken_names import plural, spoken, spoken_from_afar, table_words

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


_UNITLESS = frozenset({Operator.EQ, Operator.NE, Operator.IN, Operator.NOT_IN, Operator.IS_NULL, Operator.NOT_NULL})


def describe(plan: QueryPlan, schema: DataSchema) -> str:
    """One sentence for a reader: what is computed, per what, of which rows, in which order."""
    return _Wording(plan, schema).sentence()


def measured(plan: QueryPlan, schema: DataSchema) -> str:
    """The plan's first number in words that can be asked for again: `average departure delay`, `number of flights`."""
    return _Wording(plan, schema).measure(plan.measures[0]).removeprefix("the ")


def grouped(plan: QueryPlan, schema: DataSchema) -> str:
    """What the plan's rows are grouped by, as one asks for it: `per month and airline`; empty for none."""
    return _Wording(plan, schema).groups()


class _Wording:
    """One plan with the schema that tells how its columns are called."""

    def __init__(self, plan: QueryPlan, schema: DataSchema) -> None:
        self._plan = plan
        self._columns = {(table.name, column.name): column for table in schema.tables for column in table.columns}

    def sentence(self) -> str:
        plan = self._plan
        text = ", ".join(self.measure(m) for m in plan.measures[:4]) + (", …" if len(plan.measures) > 4 else "")
        text = f"{text} {self.groups()}".rstrip()
        conditions = [self._filter(f) for f in plan.filters]
        if conditions:
            text += ", where " + " and ".join(conditions)
        if plan.periods:
            text += ", " + " and ".join(f"in the time “{p.text}”" for p in plan.periods)
        if plan.having is not None:
            text += f", only where this {_OPERATORS[plan.having.operator]} {_values(plan.having.values)}"
        return (text[:1].upper() + text[1:] + _ranking(plan)).removesuffix(".") + "."

    def groups(self) -> str:
        names = [self._dimension(d) for d in self._plan.dimensions]
        return f"per {' and '.join(names)}" if names else ""

    def measure(self, measure: Measure) -> str:
        rows = table_words(self._plan.table)
        if measure.aggregate is Aggregate.SHARE:
            of = f" where {' and '.join(self._filter(f) for f in measure.where)}" if measure.where else ""
            return f"the percentage of {self._column(measure.column) if measure.column else rows}{of}"
        if measure.column is None:
            return f"the number of {rows}"
        name = self._column(measure.column)
        if measure.aggregate is Aggregate.COUNT_DISTINCT:
            name = plural(name)
        return f"{_AGGREGATES[measure.aggregate]} {name}".strip()

    def _dimension(self, dimension: Dimension) -> str:
        if dimension.grain is not None:
            return dimension.grain.value
        step = f" (in steps of {dimension.bin_width:g})" if dimension.bin_width is not None else ""
        return self._column(dimension.by) + step

    def _filter(self, condition: Filter) -> str:
        text = f"{self._column(condition.column)} {_OPERATORS[condition.operator]} {_values(condition.values)}".strip()
        unit = self._columns[condition.column.table, condition.column.name].unit
        return f"{text} {unit}" if unit and condition.operator not in _UNITLESS else text

    def _column(self, ref: ColumnRef) -> str:
        known = self._columns[ref.table, ref.name]
        return spoken_from_afar(known, ref.table) if ref.via else spoken(known)


def _ranking(plan: QueryPlan) -> str:
    if not plan.dimensions or plan.order not in (Order.MEASURE_ASC, Order.MEASURE_DESC):
        return f", at most {plan.limit} rows" if plan.limit else ""
    side = "highest" if plan.order is Order.MEASURE_DESC else "lowest"
    if not plan.limit:
        return f", {side} first"
    return f", the {side} {plan.limit}" if plan.limit > 1 else f", the {side}"


def _values(values: tuple[object, ...]) -> str:
    return " and ".join(str(value) for value in values)
