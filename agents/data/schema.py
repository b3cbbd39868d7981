"""The published schema: what the files say, what the catalogue adds, and keys read off the values."""

import hashlib
from typing import Any

import duckdb

from agents.contract import ColumnSchema, DataSchema, TableSchema
from agents.data import keys
from agents.data.catalogue import Catalogue, TableNotes
from agents.data.column_types import column_type
from agents.data.errors import DataUnavailable
from agents.data.json_values import json_value
from agents.data.relations import Relation, quoted, relations
from agents.data.source import Source

_MAX_VALUES = 2_000
_MAX_VALUE_CHARS = 200
_ORDERED = frozenset({"integer", "number", "date", "datetime", "time"})
_COUNTED = frozenset({*_ORDERED, "string", "boolean"})


def build_schema(source: Source) -> DataSchema:
    """Describe every table; `version` is the digest of the files with the engine's version, which decides the types."""
    connection = source.connection
    tables = {
        relation: _table(connection, relation, source.catalogue.notes(relation.name))
        for relation in relations(connection)
    }
    if not tables:
        raise DataUnavailable(f"DATA={source.origin!r} cannot be served: it has no tables")
    _add_keys(connection, tables, source.catalogue)
    version = hashlib.sha256(f"{source.digest}:{duckdb.__version__}".encode()).hexdigest()[:16]
    return DataSchema(version=version, title=source.catalogue.title, tables=list(tables.values()))


def _table(connection: duckdb.DuckDBPyConnection, relation: Relation, notes: TableNotes) -> TableSchema:
    described = connection.execute(f"DESCRIBE {relation.sql}").fetchall()
    rows = connection.execute(f"SELECT count(*) FROM {relation.sql}").fetchone()  # noqa: S608 - quoted identifiers
    columns = [_column(connection, relation, name, sql_type) for name, sql_type, *_ in described]
    _require_columns(relation.name, [column.name for column in columns], list(notes.columns))
    for column in columns:
        if told := notes.columns.get(column.name):
            column.description, column.unit, column.synonyms = told.description, told.unit, told.synonyms
    return TableSchema(
        name=relation.name, description=notes.description, row_count=rows[0] if rows else 0, columns=columns
    )


def _column(connection: duckdb.DuckDBPyConnection, relation: Relation, name: str, sql_type: str) -> ColumnSchema:
    """One column with its figures, each column read by itself so that memory stays small."""
    column = ColumnSchema(name=name, type=column_type(sql_type), sql_type=sql_type)
    field, figures = quoted(name), f"count(*) - count({quoted(name)})"
    if column.type in _COUNTED:
        figures += f", count(DISTINCT {field})"
    if column.type in _ORDERED:
        figures += f", min({field}), max({field})"
    row = connection.execute(f"SELECT {figures} FROM {relation.sql}").fetchone()  # noqa: S608 - quoted identifiers
    found: list[Any] = [json_value(value) for value in row or ()]
    column.null_count = found[0]
    column.distinct_count = found[1] if len(found) > 1 else None
    column.min, column.max = found[2:4] if len(found) > 2 else (None, None)
    if column.type == "string" and (column.distinct_count or 0) <= _MAX_VALUES:
        column.values = _values(connection, relation, field)
    return column


def _values(connection: duckdb.DuckDBPyConnection, relation: Relation, field: str) -> list[str]:
    """The distinct texts, sorted; none when one of them is prose rather than a name."""
    rows = connection.execute(
        f"SELECT DISTINCT {field}::VARCHAR AS value FROM {relation.sql} "  # noqa: S608 - quoted identifiers
        "WHERE value IS NOT NULL ORDER BY value"
    ).fetchall()
    values = [value for (value,) in rows]
    return values if all(len(value) <= _MAX_VALUE_CHARS for value in values) else []


def _add_keys(connection: duckdb.DuckDBPyConnection, tables: dict[Relation, TableSchema], catalogue: Catalogue) -> None:
    """Keys of the catalogue, else keys found; primary keys first, since foreign keys point to them."""
    for table in tables.values():
        told = catalogue.notes(table.name).primary_key
        table.primary_key = keys.primary_key(table) if told is None else told
        _require_columns(table.name, [column.name for column in table.columns], table.primary_key)
    for table in tables.values():
        links = catalogue.notes(table.name).foreign_keys
        table.foreign_keys = keys.foreign_keys(connection, table, tables) if links is None else links
        for link in table.foreign_keys:
            _require_columns(table.name, [column.name for column in table.columns], link.columns)


def _require_columns(table: str, known: list[str], named: list[str]) -> None:
    if unknown := sorted(set(named) - set(known)):
        raise DataUnavailable(f"catalogue.yaml names columns that {table} does not have: {', '.join(unknown)}")
