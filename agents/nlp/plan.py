"""What a question means, before it is SQL: the one typed plan that planners make and the compiler reads."""

from datetime import date
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

Value = bool | str | int | float


class Aggregate(StrEnum):
    """How many values become one; `NONE` shows the values themselves."""

    NONE = "none"
    COUNT = "count"
    COUNT_DISTINCT = "count_distinct"
    AVG = "avg"
    SUM = "sum"
    MIN = "min"
    MAX = "max"
    MEDIAN = "median"
    STDDEV = "stddev"
    SHARE = "share"


class Operator(StrEnum):
    """How a filter compares. `BETWEEN` takes two values, `IN` and `NOT_IN` one or more, the nulls none."""

    EQ = "eq"
    NE = "ne"
    GT = "gt"
    GE = "ge"
    LT = "lt"
    LE = "le"
    BETWEEN = "between"
    IN = "in"
    NOT_IN = "not_in"
    IS_NULL = "is_null"
    NOT_NULL = "not_null"


class Grain(StrEnum):
    """The step of a time dimension."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"
    WEEKDAY = "weekday"


class Chart(StrEnum):
    """The chart the person asked for, also one that nobody draws; `AUTO` when none was said."""

    AUTO = "auto"
    NUMBER = "number"
    LINE = "line"
    AREA = "area"
    BAR = "bar"
    GROUPED_BAR = "grouped_bar"
    HISTOGRAM = "histogram"
    SCATTER = "scatter"
    HEATMAP = "heatmap"
    TABLE = "table"
    PIE = "pie"
    DONUT = "donut"
    BOX_PLOT = "box_plot"
    TREEMAP = "treemap"


class Order(StrEnum):
    """By what the rows are ordered."""

    NONE = "none"
    DIMENSIONS = "dimensions"
    MEASURE_DESC = "measure_desc"
    MEASURE_ASC = "measure_asc"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True)


class ColumnRef(_Part):
    """A column; `via` names the foreign keys from the plan's table to the column's (each `a` or `a+b`)."""

    table: str
    name: str
    via: tuple[str, ...] = ()


class TimeAxis(_Part):
    """How a table tells time: one date or datetime column, or whole-number parts of it."""

    moment: ColumnRef | None = None
    year: ColumnRef | None = None
    month: ColumnRef | None = None
    day: ColumnRef | None = None
    hour: ColumnRef | None = None


class Period(_Part):
    """From `start` up to but without `end`; or recurring: months, days of the month, weekdays (1 is Monday)."""

    start: date | None = None
    end: date | None = None
    months: tuple[int, ...] = ()
    days: tuple[int, ...] = ()
    weekdays: tuple[int, ...] = ()
    text: str = ""


class Filter(_Part):
    """One condition on rows."""

    column: ColumnRef
    operator: Operator
    values: tuple[Value, ...] = ()


class Measure(_Part):
    """A number per group. `column` is None when rows are counted; `where` limits which rows a share is about."""

    aggregate: Aggregate
    column: ColumnRef | None = None
    where: tuple[Filter, ...] = ()


class Dimension(_Part):
    """What the rows are grouped by: a column, a step of time, or bins of a numeric column."""

    column: ColumnRef | None = None
    grain: Grain | None = None
    bin_width: float | None = None

    @property
    def by(self) -> ColumnRef:
        """The column, where it is no step of time."""
        if self.column is None:
            raise ValueError("this dimension is a step of time and has no column")
        return self.column


class Having(_Part):
    """One condition on the first measure."""

    operator: Operator
    values: tuple[Value, ...]


class QueryPlan(_Part):
    """A question about the rows of `table` and of the tables its foreign keys lead to."""

    table: str
    measures: tuple[Measure, ...] = ()
    dimensions: tuple[Dimension, ...] = ()
    filters: tuple[Filter, ...] = ()
    time_axis: TimeAxis | None = None
    periods: tuple[Period, ...] = ()
    having: Having | None = None
    order: Order = Order.NONE
    limit: int | None = None
    sample: int | None = None
    chart: Chart = Chart.AUTO
