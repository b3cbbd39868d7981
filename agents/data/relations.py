"""The tables and views that may be asked for, and how they are spelled in SQL."""

from dataclasses import dataclass

import duckdb

_LISTED = """
    SELECT schema_name, table_name AS name FROM duckdb_tables()
    WHERE database_name = current_database() AND NOT internal AND NOT temporary
    UNION ALL
    SELECT schema_name, view_name FROM duckdb_views()
    WHERE database_name = current_database() AND NOT internal AND NOT temporary
    ORDER BY schema_name <> 'main', schema_name, name
"""


@dataclass(frozen=True, slots=True)
class Relation:
    """One table or view; people name it without its schema."""

    schema: str
    name: str

    @property
    def sql(self) -> str:
        """Its full name, quoted."""
        return f"{quoted(self.schema)}.{quoted(self.name)}"


def quoted(name: str) -> str:
    """An identifier that means itself, whatever is in it."""
    return '"' + name.replace('"', '""') + '"'


def relations(connection: duckdb.DuckDBPyConnection) -> list[Relation]:
    """All of them, sorted by name; where two schemas have the same name, `main` wins, then the first schema."""
    chosen: dict[str, Relation] = {}
    for schema, name in connection.execute(_LISTED).fetchall():
        chosen.setdefault(name.lower(), Relation(schema, name))
    return [chosen[name] for name in sorted(chosen)]
