"""Keys that nobody wrote down, read off the values."""

import duckdb

from agents.contract import ColumnSchema, ForeignKey, TableSchema
from agents.data.relations import Relation, quoted

_KEY_TYPES = frozenset({"integer", "string", "date", "datetime"})


def primary_key(table: TableSchema) -> list[str]:
    """The first column without nulls whose values are all different; measurements are no keys."""
    unique = [
        column.name
        for column in table.columns
        if column.type in _KEY_TYPES and column.null_count == 0 and column.distinct_count == table.row_count > 0
    ]
    return unique[:1]


def foreign_keys(
    connection: duckdb.DuckDBPyConnection, table: TableSchema, tables: dict[Relation, TableSchema]
) -> list[ForeignKey]:
    """Columns named like another table's key (`carrier`; `customer_id` for `customers.id`) with only its values."""
    here = next(relation for relation in tables if relation.name == table.name)
    return [
        ForeignKey(columns=[column.name], ref_table=other.name, ref_columns=list(other.primary_key))
        for there, other in tables.items()
        for column in table.columns
        if _may_point(table, column, other)
        and _contained(connection, (here, column.name), (there, other.primary_key[0]))
    ]


def _may_point(table: TableSchema, column: ColumnSchema, other: TableSchema) -> bool:
    if other.name == table.name or len(other.primary_key) != 1 or not column.distinct_count:
        return False
    key = other.primary_key[0]
    target = next(candidate for candidate in other.columns if candidate.name == key)
    if column.type != target.type or column.name not in {key, f"{other.name}_{key}", f"{other.name.rstrip('s')}_{key}"}:
        return False
    # Two tables numbered 1, 2, 3, ... contain each other's ids by accident.
    return [column.name] != table.primary_key or (key != "id" and table.row_count < other.row_count)


def _contained(
    connection: duckdb.DuckDBPyConnection, child: tuple[Relation, str], parent: tuple[Relation, str]
) -> bool:
    stray = connection.execute(
        f"SELECT 1 FROM {child[0].sql} AS child ANTI JOIN {parent[0].sql} AS parent "  # noqa: S608 - quoted identifiers
        f"ON child.{quoted(child[1])} = parent.{quoted(parent[1])} WHERE child.{quoted(child[1])} IS NOT NULL LIMIT 1"
    ).fetchone()
    return stray is None
