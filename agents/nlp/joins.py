"""Which tables a table's rows lead to along foreign keys, and by which shortest ways."""

from collections import deque
from dataclasses import dataclass

from agents.contract import ColumnSchema, DataSchema, ForeignKey

Path = tuple[str, ...]


def hop(key: ForeignKey) -> str:
    """The name of a foreign key inside a path."""
    return "+".join(key.columns)


@dataclass(frozen=True)
class Joins:
    """The foreign keys of a schema, followed only from many to one, so that no join multiplies rows."""

    schema: DataSchema

    def key(self, table: str, name: str) -> ForeignKey:
        """The foreign key of `table` called `name` in a path."""
        return next(key for key in self._keys(table) if hop(key) == name)

    def paths(self, start: str) -> dict[str, list[Path]]:
        """For every table that can be reached, the shortest paths to it; several when they are equally short."""
        found: dict[str, list[Path]] = {start: [()]}
        queue: deque[tuple[str, Path]] = deque([(start, ())])
        while queue:
            table, path = queue.popleft()
            for key in self._keys(table):
                longer = (*path, hop(key))
                known = found.setdefault(key.ref_table, [])
                if not known or len(known[0]) == len(longer):
                    known.append(longer)
                    queue.append((key.ref_table, longer))
        return found

    def dropping(self, start: str, path: Path) -> str | None:
        """The table at the end of the path, if joining its last step may drop rows that have no match there."""
        table = start
        for name in path[:-1]:
            table = self.key(table, name).ref_table
        key = self.key(table, path[-1])
        own = [self._column(table, name) for name in key.columns]
        ref = [self._column(key.ref_table, name) for name in key.ref_columns]
        if len(own) == 1 and not own[0].null_count and own[0].values and {*own[0].values} <= {*ref[0].values}:
            return None
        return key.ref_table

    def _column(self, table: str, name: str) -> ColumnSchema:
        known = next(t for t in self.schema.tables if t.name == table)
        return next(c for c in known.columns if c.name == name)

    def _keys(self, table: str) -> list[ForeignKey]:
        return next((t.foreign_keys for t in self.schema.tables if t.name == table), [])
