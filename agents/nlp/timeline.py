"""How a table tells time: by a date column, or by whole-number columns for year, month, day and hour."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from agents.contract import ColumnSchema, TableSchema
from agents.nlp.plan import ColumnRef, TimeAxis
from agents.nlp.tokens import stem, words_of

_RANGES = {"year": (1500, 2200), "month": (1, 12), "day": (1, 31), "hour": (0, 24)}


@dataclass(frozen=True)
class Timeline:
    """One way a table tells time, with the first and last day there is data for."""

    axis: TimeAxis
    first: date
    last: date
    words: frozenset[str]

    @property
    def years(self) -> range:
        """The years there is data for."""
        return range(self.first.year, self.last.year + 1)


def timelines(table: TableSchema, via: tuple[str, ...]) -> list[Timeline]:
    """All ways this table tells time, the one in parts first."""
    parts = {
        part: c for part in _RANGES for c in table.columns if c.name.lower() == part and _within(c, *_RANGES[part])
    }
    found = [_of_parts(table, parts, via)] if "year" in parts else []
    found.extend(t for column in table.columns if (t := _of_moment(table, column, via)) is not None)
    return found


def choose(found: list[Timeline], stems: Iterable[str]) -> Timeline:
    """The timeline whose column the question speaks of, else the first."""
    spoken = set(stems)
    return max(found, key=lambda t: len(t.words) if t.words <= spoken else 0)


def _within(column: ColumnSchema, low: int, high: int) -> bool:
    if column.type not in ("integer", "number") or column.min is None or column.max is None:
        return False
    return bool(low <= float(column.min) and float(column.max) <= high)


def _of_parts(table: TableSchema, parts: dict[str, ColumnSchema], via: tuple[str, ...]) -> Timeline:
    refs = {part: ColumnRef(table=table.name, name=column.name, via=via) for part, column in parts.items()}
    year = parts["year"]
    return Timeline(TimeAxis(**refs), date(int(float(year.min)), 1, 1), date(int(float(year.max)), 12, 31), frozenset())


def _of_moment(table: TableSchema, column: ColumnSchema, via: tuple[str, ...]) -> Timeline | None:
    if column.type not in ("date", "datetime") or column.min is None or column.max is None:
        return None
    axis = TimeAxis(moment=ColumnRef(table=table.name, name=column.name, via=via))
    words = frozenset(stem(word) for word in words_of(column.name)) - {
        stem(word) for word in ("on", "at", "date", *words_of(table.name))
    }
    return Timeline(axis, as_date(column.min), as_date(column.max), words)


def as_date(value: object) -> date:
    """A date from what JSON or DuckDB made of it."""
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    return date.fromisoformat(str(value)[:10])


def month_after(day: date) -> date:
    """The first day of the next month."""
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)
