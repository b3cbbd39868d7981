"""Periods and steps of time as SQL, over a date column or over columns for year, month and day."""

from datetime import date, timedelta

from sqlglot import exp

from agents.nlp.plan import ColumnRef, Grain, Period, TimeAxis
from agents.nlp.refusal import RefusalError
from agents.nlp.sql_columns import SqlColumns
from agents.nlp.timeline import month_after


def grain_sql(grain: Grain, axis: TimeAxis, columns: SqlColumns) -> exp.Expr:
    """The start of the step a row falls into, or the hour or weekday."""
    if axis.moment is None:
        return _grain_of_parts(grain, axis, columns)
    moment = columns.column(axis.moment)
    if grain is Grain.HOUR:
        return _func("hour", moment)
    if grain is Grain.WEEKDAY:
        return _func("dayname", moment)
    if grain is Grain.YEAR:
        return _func("year", moment)
    if grain is Grain.DAY:
        return exp.cast(moment, "DATE")
    return exp.cast(_truncated(grain, moment), "DATE")


def _grain_of_parts(grain: Grain, axis: TimeAxis, columns: SqlColumns) -> exp.Expr:
    if grain is Grain.YEAR:
        return _part(axis.year, columns)
    if grain is Grain.HOUR:
        return _part(axis.hour, columns)
    if grain is Grain.MONTH:
        return _func("make_date", _part(axis.year, columns), _part(axis.month, columns), exp.Literal.number(1))
    if grain is Grain.QUARTER:
        return exp.cast(
            _truncated(
                grain, _func("make_date", _part(axis.year, columns), _part(axis.month, columns), exp.Literal.number(1))
            ),
            "DATE",
        )
    day = _day_of_parts(axis, columns)
    if grain is Grain.DAY:
        return day
    return _func("dayname", day) if grain is Grain.WEEKDAY else exp.cast(_truncated(grain, day), "DATE")


def period_sql(period: Period, axis: TimeAxis, columns: SqlColumns) -> list[exp.Expr]:
    """The conditions that keep the rows of a period. Raises `RefusalError` when the time is too coarse for it."""
    found = _span(period, axis, columns) if period.start or period.end else []
    for values, part in ((period.months, "month"), (period.days, "day"), (period.weekdays, "isodow")):
        if values:
            found.append(_is_in(_recurring(part, axis, columns), values))
    return found


def weekday_number(axis: TimeAxis, columns: SqlColumns) -> exp.Expr:
    """1 for Monday to 7 for Sunday."""
    return _recurring("isodow", axis, columns)


def _recurring(part: str, axis: TimeAxis, columns: SqlColumns) -> exp.Expr:
    if axis.moment is not None:
        return _func(part, columns.column(axis.moment))
    if part == "isodow":
        return _func(part, _day_of_parts(axis, columns))
    return _part(axis.month if part == "month" else axis.day, columns)


def _span(period: Period, axis: TimeAxis, columns: SqlColumns) -> list[exp.Expr]:
    if axis.moment is not None:
        return _between(columns.column(axis.moment), period)
    start, end = period.start, period.end
    if start and end and start == date(start.year, 1, 1) and end == date(start.year + 1, 1, 1):
        return [_equals(axis.year, start.year, columns)]
    if start and end and start.day == 1 and end == month_after(start):
        return [_equals(axis.year, start.year, columns), _equals(axis.month, start.month, columns)]
    if start and end and end == start + timedelta(days=1):
        return [
            _equals(axis.year, start.year, columns),
            _equals(axis.month, start.month, columns),
            _equals(axis.day, start.day, columns),
        ]
    if all(day is None or (day.month, day.day) == (1, 1) for day in (start, end)):
        return _years(period, axis, columns)
    return _between(_day_of_parts(axis, columns), period)


def _years(period: Period, axis: TimeAxis, columns: SqlColumns) -> list[exp.Expr]:
    low = [exp.GTE(this=_part(axis.year, columns), expression=exp.convert(period.start.year))] if period.start else []
    high = [exp.LT(this=_part(axis.year, columns), expression=exp.convert(period.end.year))] if period.end else []
    return [*low, *high]


def _between(moment: exp.Expr, period: Period) -> list[exp.Expr]:
    low = [exp.GTE(this=moment, expression=_date(period.start))] if period.start else []
    high = [exp.LT(this=moment.copy(), expression=_date(period.end))] if period.end else []
    return [*low, *high]


def _day_of_parts(axis: TimeAxis, columns: SqlColumns) -> exp.Expr:
    return _func("make_date", *(_part(part, columns) for part in (axis.year, axis.month, axis.day)))


def _equals(part: ColumnRef | None, value: int, columns: SqlColumns) -> exp.Expr:
    return exp.EQ(this=_part(part, columns), expression=exp.convert(value))


def _part(part: ColumnRef | None, columns: SqlColumns) -> exp.Expr:
    if part is None:
        raise RefusalError("The data does not tell the time so finely.")
    return columns.column(part)


def _is_in(left: exp.Expr, values: tuple[int, ...]) -> exp.Expr:
    if len(values) == 1:
        return exp.EQ(this=left, expression=exp.convert(values[0]))
    return exp.In(this=left, expressions=[exp.convert(v) for v in values])


def _truncated(grain: Grain, moment: exp.Expr) -> exp.Expr:
    return _func("date_trunc", exp.Literal.string(grain.value), moment)


def _date(day: date) -> exp.Expr:
    return exp.cast(exp.Literal.string(day.isoformat()), "DATE")


def _func(name: str, *arguments: exp.Expr) -> exp.Expr:
    return exp.Anonymous(this=name, expressions=list(arguments))
