"""The second reading: DuckDB's own parse of the statement that will run, compared with the vocabulary.

What one parser takes for harmless another might not; so the engine's reading decides, and no name is looked up by ours.
"""

import json
from collections.abc import Iterator
from typing import Any

import duckdb

from agents.data import vocabulary
from agents.data.errors import InvalidSql, Refused

Node = dict[str, Any]
_SERIALIZE = "SELECT json_serialize_sql(?::VARCHAR)"


def require_allowed(connection: duckdb.DuckDBPyConnection, sql: str, columns: frozenset[str]) -> None:
    """Raise `Refused` for the first thing outside the vocabulary; `columns` are the data's, in lower case."""
    with connection.cursor() as cursor:
        row = cursor.execute(_SERIALIZE, [sql]).fetchone()
    tree: Node = json.loads(row[0]) if row else {}
    if tree.get("error"):
        raise InvalidSql(f"The statement is not valid SQL: {tree['error_message']}.")
    if len(tree["statements"]) != 1:
        raise Refused("Only one statement is allowed.")
    for node in _nodes(tree["statements"][0]):
        if "class" in node:
            _expression(node, columns)
        elif isinstance(kind := node.get("type"), str) and kind not in vocabulary.CLAUSES:
            raise Refused(f"{_spoken(kind)} is not allowed: statements read tables and nothing else.")


def _nodes(tree: Node) -> Iterator[Node]:
    """Every object of the tree; not recursive, since trees may be deep."""
    waiting: list[Any] = [tree]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            yield item
            waiting.extend(item.values())
        elif isinstance(item, list):
            waiting.extend(item)


def _expression(node: Node, columns: frozenset[str]) -> None:
    kind = str(node["class"])
    if kind not in vocabulary.EXPRESSIONS:
        raise Refused(f"{_spoken(kind)} is not allowed in a statement.")
    if kind in {"FUNCTION", "WINDOW"}:
        _function(node)
    elif kind == "OPERATOR" and node["type"] not in vocabulary.OPERATORS:
        raise Refused(f"{_spoken(str(node['type']))} is not allowed in a statement.")
    elif kind == "TYPE" and str(node["type_name"]).lower() not in vocabulary.TYPES:
        raise Refused(
            f"The type {node['type_name']} is not allowed in a cast.", "Cast to a number, text, or date type."
        )
    elif kind == "STAR" and node.get("expr"):
        raise Refused("COLUMNS(...) is not allowed.", "Name the columns.")
    elif kind == "COLUMN_REF":
        _column(node, columns)


def _function(node: Node) -> None:
    path = node.get("qualified_name", {}).get("path") or [node["function_name"]]
    name = str(path[-1]).lower()
    if len(path) != 1 or name not in vocabulary.FUNCTIONS:
        raise Refused(
            f"The function {'.'.join(path)} is not allowed: statements may only compute with the data served here.",
            "Use aggregate, window, date, text or maths functions.",
        )
    literals = [_literal(argument) for argument in node.get("arguments") or node.get("children") or []]
    _bounded(name, literals)


def _bounded(name: str, literals: list[str | None]) -> None:
    """Arguments that set the size or the effort must be small literals."""
    if name in vocabulary.BOUNDED_NUMBERS:
        text = _at(literals, vocabulary.BOUNDED_NUMBERS[name])
        if text is None or not text.isdecimal() or int(text) > vocabulary.MAX_PAD_CHARS:
            raise Refused(f"{name} needs a length written out, of at most {vocabulary.MAX_PAD_CHARS}.")
    if name in vocabulary.BOUNDED_TEXTS:
        text = _at(literals, vocabulary.BOUNDED_TEXTS[name])
        if text is None or len(text) > vocabulary.MAX_TEXT_CHARS:
            raise Refused(f"{name} needs its text written out, of at most {vocabulary.MAX_TEXT_CHARS} characters.")
    if name in vocabulary.PATTERNS:
        text = _at(literals, vocabulary.PATTERNS[name])
        if text is None or len(text) > vocabulary.MAX_PATTERN_CHARS or "{" in text:
            raise Refused(
                f"{name} needs a pattern written out, of at most {vocabulary.MAX_PATTERN_CHARS} characters and "
                "without counted repetition ({...}), which can take for ever."
            )


def _column(node: Node, columns: frozenset[str]) -> None:
    names = [str(name).lower() for name in node["column_names"]]
    if len(names) == 1 and names[0] in vocabulary.SESSION_WORDS and names[0] not in columns:
        raise Refused(f"{names[0]} is not allowed: it tells about the session, not about the data.")


def _literal(argument: Node) -> str | None:
    """The text of a literal argument, None of anything else."""
    expression = argument.get("expression", argument)
    return str(expression["literal"].get("text", "")) if expression.get("class") == "CONSTANT" else None


def _at(literals: list[str | None], index: int) -> str | None:
    return literals[index] if index < len(literals) else None


def _spoken(kind: str) -> str:
    return kind.removesuffix("_REF").removesuffix("_NODE").replace("_", " ").capitalize()
