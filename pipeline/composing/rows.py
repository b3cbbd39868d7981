"""Rows of several parts in one table: where they have the same key columns, their measures stand side by side."""

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

from agents.contract import Column, DataResult
from pipeline.composing.part import Part, is_key

# Columns of one name may hold different things (names of airlines, names of airports): then few values are the same.
_LEAST_SHARED: Final = 0.5
_SORTED: Final = ("number", "integer", "date", "datetime", "time")
_Row = dict[str, Any]


def keys_of(parts: Sequence[Part]) -> list[str]:
    """The columns that name the rows of every part: same name, same type."""
    named = [{(f.name, _types(part)[f.name]) for f in part.shape().fields if is_key(f)} for part in parts]
    shared = set.intersection(*named) if named else set()
    return [column.name for column in _columns(parts[0]) if (column.name, column.type) in shared] if parts else []


def joined(parts: Sequence[Part]) -> DataResult | None:
    """One row for each key value of any part (full outer join); None unless all parts have rows of one grain."""
    if len(parts) < 2 or not all(part.data and part.data.rows for part in parts):
        return None
    keys = keys_of(parts)
    tables = [_by_key(part, keys) for part in parts]
    if not all(tables) or (keys and not _overlap(tables)) or not (keys or all(map(_one_row_of_numbers, parts))):
        return None
    names = _distinct_names(parts, keys)
    rows = [_row(place, tables, names, keys) for place in dict.fromkeys(place for table in tables for place in table)]
    columns = [column for column in _columns(parts[0]) if column.name in keys]
    if len(keys) == 1 and columns[0].type in _SORTED:
        rows.sort(key=lambda row: (row[keys[0]] is None, row[keys[0]]))
    for part, new in zip(parts, names, strict=True):
        columns += [column.model_copy(update={"name": new[column.name]}) for column in _measures(part, keys)]
    cut = any(part.data.truncated for part in parts if part.data)
    return DataResult(rows=rows, columns=columns, row_count=len(rows), truncated=cut)


def _columns(part: Part) -> list[Column]:
    return part.data.columns if part.data else []


def _types(part: Part) -> dict[str, str]:
    return {column.name: column.type for column in _columns(part)}


def _measures(part: Part, keys: Sequence[str]) -> list[Column]:
    return [column for column in _columns(part) if column.name not in keys]


def _by_key(part: Part, keys: Sequence[str]) -> dict[str, _Row]:
    """The part's rows by their key values; empty when a key value comes twice, for then the grain is finer."""
    rows = part.data.rows if part.data else []
    table = {json.dumps([row.get(key) for key in keys], default=str): row for row in rows}
    return table if len(table) == len(rows) else {}


def _overlap(tables: Sequence[dict[str, _Row]]) -> bool:
    shared = set.intersection(*(set(table) for table in tables))
    return len(shared) >= _LEAST_SHARED * min(len(table) for table in tables)


def _one_row_of_numbers(part: Part) -> bool:
    return not any(is_key(field) for field in part.shape().fields)


def _distinct_names(parts: Sequence[Part], keys: Sequence[str]) -> list[dict[str, str]]:
    """Each part's measures under names that no two parts share: `num_flights` -> `num_flights_jfk`."""
    often = Counter(column.name for part in parts for column in _measures(part, keys))
    taken, names = set(keys), []
    for part in parts:
        new: dict[str, str] = {}
        for column in _measures(part, keys):
            name = column.name if often[column.name] == 1 else f"{column.name}_{part.name}"
            while name in taken:
                name += "_"
            new[column.name] = name
            taken.add(name)
        names.append(new)
    return names


def _row(place: str, tables: Sequence[dict[str, _Row]], names: Sequence[dict[str, str]], keys: Sequence[str]) -> _Row:
    named = next(table[place] for table in tables if place in table)
    row = {key: named.get(key) for key in keys}
    for table, new in zip(tables, names, strict=True):
        found = table.get(place, {})
        row |= {name: found.get(old) for old, name in new.items()}
    return row
