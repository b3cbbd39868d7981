"""Run one guarded statement: a cursor of its own, a time limit, and rows as JSON objects."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

import duckdb

from agents.contract import Column
from agents.data.column_types import column_type
from agents.data.errors import InvalidSql, MemoryLimit, Refused, StatementError, TimeLimit
from agents.data.guard import Guard, Guarded
from agents.data.json_values import json_value
from agents.data.units import ResultUnits
from agents.data.watchdog import Watchdog

Described = tuple[str, str]  # name and SQL type of a result column

_CHUNK_ROWS = 1_000
_MESSAGE_CHARS = 500
MAX_RESULT_BYTES = 8 * 1024 * 1024
_MEASURES = frozenset({"integer", "number"})
# DuckDB's other errors (internal, fatal, I/O) are ours, not the statement's: they pass, and end as HTTP 500.
_FAULTS: tuple[tuple[type[duckdb.Error], type[StatementError]], ...] = (
    (duckdb.OutOfMemoryException, MemoryLimit),
    (duckdb.PermissionException, Refused),
    (duckdb.ProgrammingError, InvalidSql),
    (duckdb.DataError, InvalidSql),
    (duckdb.NotSupportedError, InvalidSql),
)


@dataclass(frozen=True, slots=True)
class Rows:
    """What a statement answered; `truncated` when there are more rows than may be sent."""

    columns: list[Column]
    data: list[dict[str, Any]]
    truncated: bool
    sql: str
    processing_time_ms: float


class Execution:
    """Runs statements on one read-only connection; safe to call from many threads."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, guard: Guard, units: ResultUnits, *, max_rows: int
    ) -> None:
        self._connection = connection
        self._guard = guard
        self._units = units
        self._max_rows = max_rows

    def run(self, sql: str, time_limit_s: float) -> Rows:
        """Check and run `sql`; raises a `StatementError` that says what is wrong with it."""
        began = time.perf_counter()
        guarded = self._guard.check(sql)
        described, values, truncated = self._fetch(guarded, time_limit_s)
        columns = self._columns(guarded, described)
        return Rows(
            columns=columns,
            data=[dict(zip((column.name for column in columns), row, strict=True)) for row in values],
            truncated=truncated,
            sql=guarded.sql,
            processing_time_ms=round((time.perf_counter() - began) * 1000, 3),
        )

    def _fetch(self, guarded: Guarded, time_limit_s: float) -> tuple[list[Described], list[list[Any]], bool]:
        with self._connection.cursor() as cursor, Watchdog(cursor, time_limit_s) as watchdog:
            try:
                cursor.execute(guarded.sql)
                described = [(str(name), str(kind)) for name, kind, *_ in cursor.description or []]
                values, truncated = self._bounded(cursor, sum(len(name) + 4 for name, _ in described))
            except duckdb.Error as error:
                if watchdog.fired:
                    raise TimeLimit(f"The statement did not end within {time_limit_s:g} s.") from error
                raise _told(error) from error
        return described, values, truncated

    def _bounded(self, cursor: duckdb.DuckDBPyConnection, names_bytes: int) -> tuple[list[list[Any]], bool]:
        """Rows up to the row limit and the size limit, and whether there are more."""
        values: list[list[Any]] = []
        size = 0
        for row in _rows(cursor):
            converted = [json_value(value) for value in row]
            size += names_bytes + sum(_bytes(value) for value in converted)
            if len(values) == self._max_rows or (values and size > MAX_RESULT_BYTES):
                return values, True
            values.append(converted)
        return values, False

    def _columns(self, guarded: Guarded, described: Sequence[Described]) -> list[Column]:
        """Columns with names of their own: rows are objects, so a second `name` becomes `name_2`."""
        units = self._units.of(guarded.query, len(described))
        columns: list[Column] = []
        taken: set[str] = set()
        for (name, sql_type), unit in zip(described, units, strict=True):
            kind = column_type(sql_type)
            own = next(each for each in _variants(name) if each not in taken)
            taken.add(own)
            columns.append(Column(name=own, type=kind, unit=unit if kind in _MEASURES else None))
        return columns


def _rows(cursor: duckdb.DuckDBPyConnection) -> Iterator[tuple[Any, ...]]:
    while chunk := cursor.fetchmany(_CHUNK_ROWS):
        yield from chunk


def _variants(name: str) -> Iterator[str]:
    yield name
    yield from (f"{name}_{number}" for number in count(2))


def _bytes(value: Any) -> int:
    """About what a value takes in JSON."""
    return len(value) if isinstance(value, str) else len(str(value)) if isinstance(value, (list, dict)) else 8


def _told(error: duckdb.Error) -> Exception:
    """The error as this agent's own; DuckDB's text without its picture of the statement."""
    for kind, told in _FAULTS:
        if isinstance(error, kind):
            return told(str(error).split("\n\nLINE ")[0].split("\nPossible solutions")[0].strip()[:_MESSAGE_CHARS])
    return error
