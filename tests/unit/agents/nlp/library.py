"""A small made-up library (members, books, loans): its rows, and its schema as a data agent would publish it."""

import duckdb

from agents.contract import ColumnSchema, DataSchema, ForeignKey, TableSchema

_CREATE = """
CREATE TABLE books
  (book_id INTEGER, title VARCHAR, author VARCHAR, genre VARCHAR, page_count INTEGER, price_eur DOUBLE);
INSERT INTO books VALUES
  (1, 'Dune', 'Herbert', 'Science Fiction', 612, 12.5), (2, 'Emma', 'Austen', 'Romance', 474, 8.0),
  (3, 'Persuasion', 'Austen', 'Romance', 249, 7.5), (4, 'Neuromancer', 'Gibson', 'Science Fiction', 271, 10.0),
  (5, 'Maigret', 'Simenon', 'Crime', 180, 6.0);
CREATE TABLE members (member_id INTEGER, name VARCHAR, city VARCHAR, age INTEGER, joined_on DATE);
INSERT INTO members VALUES (1, 'Ada', 'Leeds', 36, '2020-02-01'), (2, 'Ben', 'York', 61, '2021-05-10'),
  (3, 'Cleo', 'Leeds', 17, '2022-01-20'), (4, 'Dov', 'Hull', 44, '2022-07-07');
CREATE TABLE loans
  (loan_id INTEGER, book_id INTEGER, member_id INTEGER, branch VARCHAR, loaned_on DATE, returned_on DATE,
  days_kept INTEGER, fine_eur DOUBLE);
INSERT INTO loans
SELECT i, 1 + (i * 7) % 5, 1 + (i * i) % 4, ['North Hall', 'South Hall', 'Harbour'][1 + (i * 3 + i // 4) % 3],
  DATE '2023-01-05' + to_days(i * 9),
  CASE WHEN i % 6 = 0 THEN NULL ELSE DATE '2023-01-05' + to_days(i * 9 + 3 + i % 17) END,
  CASE WHEN i % 6 = 0 THEN NULL ELSE 3 + i % 17 END, CASE WHEN i % 17 > 11 THEN (i % 17 - 11) * 0.5 ELSE 0 END
FROM range(1, 81) AS r (i);
"""
_TYPES = {"INTEGER": "integer", "BIGINT": "integer", "DOUBLE": "number", "VARCHAR": "string", "DATE": "date"}
_KEYS = {"books": ["book_id"], "members": ["member_id"], "loans": ["loan_id"]}
_POINTS_TO = {"book_id": "books", "member_id": "members"}
_UNITS = {"price_eur": "EUR", "fine_eur": "EUR", "days_kept": "days", "age": "years"}


def connect() -> duckdb.DuckDBPyConnection:
    """A fresh database in memory with the library in it."""
    connection = duckdb.connect()
    connection.execute(_CREATE)
    return connection


def library_schema(connection: duckdb.DuckDBPyConnection) -> DataSchema:
    """The schema with nothing said by hand but keys and units: no descriptions, no synonyms."""
    return DataSchema(version="1", title="Library", tables=[_table(connection, name) for name in _KEYS])


def _table(connection: duckdb.DuckDBPyConnection, name: str) -> TableSchema:
    foreign = [ForeignKey(columns=[key], ref_table=table, ref_columns=[key]) for key, table in _POINTS_TO.items()]
    return TableSchema(
        name=name,
        row_count=len(connection.table(name).fetchall()),
        columns=_columns(connection, name),
        primary_key=_KEYS[name],
        foreign_keys=foreign if name == "loans" else [],
    )


def _columns(connection: duckdb.DuckDBPyConnection, table: str) -> list[ColumnSchema]:
    relation = connection.table(table)
    rows = relation.fetchall()
    return [
        _column(name, str(sql_type), [row[i] for row in rows])
        for i, (name, sql_type) in enumerate(zip(relation.columns, relation.types, strict=True))
    ]


def _column(name: str, sql_type: str, values: list[object]) -> ColumnSchema:
    kind, known = _TYPES[sql_type], sorted({value for value in values if value is not None})  # type: ignore[type-var]
    text = kind == "string"
    return ColumnSchema.model_validate(
        {
            "name": name,
            "type": kind,
            "sql_type": sql_type,
            "unit": _UNITS.get(name),
            "distinct_count": len(known),
            "null_count": values.count(None),
            "values": known if text else [],
            "min": None if text else known[0],
            "max": None if text else known[-1],
        }
    )
