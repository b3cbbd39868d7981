"""The guard: lets one bounded SELECT over the served tables through, and nothing else.

It does not trust the connection behind it, which is read-only and locked all the same. The caller's text never runs:
what runs is written anew from the parse.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb
import sqlglot
from sqlglot import exp
from sqlglot.errors import ParseError, SqlglotError

from agents.contract import DataSchema
from agents.data.errors import InvalidSql, Refused
from agents.data.extent import require_small
from agents.data.growth import require_bounded_growth
from agents.data.parse_tree import require_allowed
from agents.data.relations import Relation
from agents.data.tables import bind_tables

MAX_CHARS = 50_000
MAX_TOKENS = 5_000


@dataclass(frozen=True, slots=True)
class Guarded:
    """A statement that may run: at most one row more than allowed comes out, to tell that rows were cut."""

    sql: str
    query: exp.Query


class Guard:
    """Checks statements against one set of tables."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        relations: Sequence[Relation],
        schema: DataSchema,
        *,
        max_rows: int,
    ) -> None:
        self._connection = connection
        self._relations = {relation.name.lower(): relation for relation in relations}
        self._columns = frozenset(column.name.lower() for table in schema.tables for column in table.columns)
        self._max_rows = max_rows

    def check(self, sql: str) -> Guarded:
        """The statement as it will run; raises `Refused` or `InvalidSql` with what is wrong and what to do."""
        try:
            query = _parse(sql)
            bind_tables(query, self._relations)
            require_small(query)
            require_bounded_growth(query)
            query = _limited(query, self._max_rows + 1)
            text = query.sql(dialect="duckdb", comments=False)
            require_allowed(self._connection, text, self._columns)
        except RecursionError:
            raise Refused(
                "The statement is nested too deeply.", "Use fewer brackets, or ask in several steps."
            ) from None
        return Guarded(text, query)


def _parse(sql: str) -> exp.Query:
    if len(sql) > MAX_CHARS:
        raise Refused(f"The statement has {len(sql)} characters; {MAX_CHARS} are allowed.")
    try:
        if "\0" in sql:
            raise InvalidSql("The statement has a NUL character in it.")
        sql.encode()
        tokens = sqlglot.tokenize(sql, dialect="duckdb")
        if len(tokens) > MAX_TOKENS:
            raise Refused(f"The statement has {len(tokens)} words and signs; {MAX_TOKENS} are allowed.")
        parsed = sqlglot.parse(sql, dialect="duckdb")
    except UnicodeEncodeError:
        raise InvalidSql("The statement is not valid Unicode text.") from None
    except SqlglotError as error:
        raise InvalidSql(f"The statement is not valid SQL: {_told(error)}.") from error
    statements = [statement for statement in parsed if statement and not isinstance(statement, exp.Semicolon)]
    if len(statements) != 1:
        raise Refused(f"Exactly one statement is allowed, these are {len(statements)}.", "Send one SELECT.")
    (statement,) = statements
    if not isinstance(statement, (exp.Select, exp.SetOperation, exp.Subquery)):
        raise Refused(f"Only SELECT is allowed, not {tokens[0].text[:40]!r}: the data can be read and nothing else.")
    return statement


def _told(error: SqlglotError) -> str:
    """What and where, without the terminal colours of sqlglot's own message."""
    if isinstance(error, ParseError) and error.errors:
        first = error.errors[0]
        return f"{first['description'].rstrip('.')} at line {first['line']}, column {first['col']}"
    return str(error).rstrip(".")


def _limited(query: exp.Query, rows: int) -> exp.Query:
    """At most `rows` rows: a smaller LIMIT stays, and any but a plain number goes inside."""
    limit = query.args.get("limit")
    number = _plain_number(limit)
    if isinstance(query, exp.Subquery):
        query = exp.select("*").from_(query)
    elif limit and number is None:
        query = exp.select("*").from_(query.subquery("answer"))
    if number is None or number > rows:
        query.set("limit", exp.Limit(expression=exp.Literal.number(rows)))
    return query


def _plain_number(limit: object) -> int | None:
    """The number of `LIMIT 5`; None of percentages, `FETCH` and anything to be computed."""
    if not isinstance(limit, exp.Limit) or limit.args.get("limit_options") or limit.expressions:
        return None
    number = limit.expression
    return int(number.name) if isinstance(number, exp.Literal) and number.is_int else None
