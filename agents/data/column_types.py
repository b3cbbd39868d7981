"""DuckDB's types as the contract's few."""

from agents.contract.results import ColumnType

_INTEGERS = frozenset(
    {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT"}
)
_TEXTS = frozenset({"VARCHAR", "UUID", "JSON", "INTERVAL"})
_DATETIMES = frozenset(
    {"TIMESTAMP", "TIMESTAMP WITH TIME ZONE", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS", "TIMESTAMPTZ"}
)
_OTHERS: dict[str, ColumnType] = {
    "FLOAT": "number",
    "DOUBLE": "number",
    "BOOLEAN": "boolean",
    "DATE": "date",
    "TIME": "time",
    "TIME WITH TIME ZONE": "time",
}


def column_type(sql_type: str) -> ColumnType:
    """`DECIMAL(18,3)` -> `number`; nested types are `other`."""
    if sql_type.endswith("]"):
        return "other"
    name = sql_type.partition("(")[0]
    if name in _INTEGERS:
        return "integer"
    if name in _TEXTS or name == "ENUM":
        return "string"
    if name in _DATETIMES:
        return "datetime"
    return "number" if name == "DECIMAL" else _OTHERS.get(name, "other")
