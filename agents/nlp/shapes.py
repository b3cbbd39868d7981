"""Rules for questions that ask for a shape rather than a number: how two columns go together, how one is spread."""

import math

from agents.nlp.draft import Draft
from agents.nlp.plan import Aggregate, Chart, ColumnRef, Dimension, Filter, Measure, Operator, Order
from agents.nlp.refusal import RefusalError

_SAMPLE_ROWS = 5_000
_BINS = 20


_NAMED = {"scatter": Chart.SCATTER, "histogram": Chart.HISTOGRAM}


def find_chart(draft: Draft) -> None:
    """`as a line chart`, `histogram of`: the chart the person names is wished for."""
    for i in list(draft.open_marks("chart")):
        draft.chart = Chart(draft.marks[i].classes["chart"])
        draft.use(i)
    for mark in draft.marks:
        if mark.is_a("relation", "distribution"):
            draft.chart = next((c for word, c in _NAMED.items() if mark.text.lower().startswith(word)), draft.chart)


def find_relation(draft: Draft) -> None:
    """`relationship between A and B`: both columns row by row, for a scatter plot."""
    asked = list(draft.open_marks("relation"))
    facing = [
        i
        for i in draft.open_marks("compare", "group")
        if draft.marks[i].text.lower() in ("against", "versus", "vs", "depend on", "depends on", "depending on")
    ]
    columns = _numeric(draft)
    if not asked and not (facing and len(columns) == 2):
        return
    if len(columns) != 2:
        raise RefusalError(
            "A relationship needs two columns with numbers.", unmatched=[draft.marks[i].text for i in asked]
        )
    draft.use(*asked, *facing, *columns)
    for ref in (ref for i in columns if (ref := draft.column(i, numeric=True))):
        draft.measures.append(Measure(aggregate=Aggregate.NONE, column=ref))
        draft.conditions.append(Filter(column=ref, operator=Operator.NOT_NULL))
    if draft.scope.lexicon.table(draft.scope.base).row_count > _SAMPLE_ROWS:
        draft.sample = _SAMPLE_ROWS
        draft.assume(f"A fixed sample of {_SAMPLE_ROWS} rows is shown.")


def _numeric(draft: Draft) -> list[int]:
    found: dict[ColumnRef, int] = {}
    for i in draft.open_marks():
        ref = None if draft.marks[i].is_a("relation") else draft.column(i, numeric=True)
        if ref is not None:
            found.setdefault(ref, i)
    return list(found.values())


def find_distribution(draft: Draft) -> None:
    """`distribution of A`: counts per bin of a numeric column, or per value of any other."""
    asked = list(draft.open_marks("distribution"))
    if not asked:
        return
    draft.use(*asked)
    numeric = _numeric(draft)
    if len(numeric) != 1:
        return
    column = draft.column(numeric[0], numeric=True)
    if column is None:
        return
    draft.use(numeric[0])
    draft.measures.append(Measure(aggregate=Aggregate.COUNT))
    draft.dimensions.append(Dimension(column=column, bin_width=_nice_width(draft, column)))
    draft.conditions.append(Filter(column=column, operator=Operator.NOT_NULL))
    draft.order = Order.DIMENSIONS
    for i in draft.open_marks("aggregate"):
        if draft.marks[i].classes["aggregate"].startswith("count"):
            draft.use(i)


def _nice_width(draft: Draft, column: ColumnRef) -> float:
    """A width of 1, 2, 2.5 or 5 times a power of ten that cuts the column's range into about twenty bins."""
    known = draft.scope.schema(column)
    if known.min is None or known.max is None or float(known.max) <= float(known.min):
        raise RefusalError(f"{column.name} has no range to cut into bins.")
    raw = (float(known.max) - float(known.min)) / _BINS
    power = 10.0 ** math.floor(math.log10(raw))
    width = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= raw)
    return float(math.ceil(width)) if known.type == "integer" else width
