"""Which table a name in a statement means: a common table expression in sight, else one of the served tables."""

import re
from collections.abc import Iterator, Mapping

from sqlglot import exp

from agents.data.errors import Refused
from agents.data.relations import Relation

_PLAIN_NAME = re.compile(r"[\w ]+")


def bind_tables(query: exp.Query, relations: Mapping[str, Relation]) -> None:
    """Give every served table its full, quoted name, in place, so that the engine has nothing left to guess.

    `relations` by name in lower case. Raises `Refused` for a table function, a file, or any other table.
    """
    for cte in query.find_all(exp.CTE):
        if not _PLAIN_NAME.fullmatch(cte.alias):
            raise Refused(f"WITH cannot name {cte.alias[:40]!r}.", "Use letters, digits and underscores.")
    for table in list(query.find_all(exp.Table)):
        if not isinstance(table.this, exp.Identifier):
            raise Refused(
                f"{_shown(table)} is not allowed as a table: statements read the tables served here and nothing else.",
                f"Tables: {', '.join(sorted(relations))}.",
            )
        if cte_of(table) is None:
            relation = _served(table, relations)
            table.set("db", exp.to_identifier(relation.schema, quoted=True))
            table.set("this", exp.to_identifier(relation.name, quoted=True))


def cte_of(table: exp.Table) -> exp.CTE | None:
    """The common table expression that `table` names, None when it names a real table."""
    if table.args.get("db"):
        return None
    return next((cte for cte in _in_sight(table) if cte.alias.lower() == table.name.lower()), None)


def _in_sight(node: exp.Expr) -> Iterator[exp.CTE]:
    """The expressions visible from `node`, nearest first: a definition sees those before it, a recursive one itself."""
    inside: exp.Expr = node
    while (parent := inside.parent) is not None:
        if isinstance(parent, exp.With):
            before = parent.expressions.index(inside) + (1 if parent.recursive else 0)
            yield from reversed(parent.expressions[:before])
            inside = parent.parent or parent
        else:
            with_ = parent.args.get("with_")
            if isinstance(with_, exp.With):
                yield from reversed(with_.expressions)
            inside = parent


def _served(table: exp.Table, relations: Mapping[str, Relation]) -> Relation:
    relation = relations.get(table.name.lower())
    elsewhere = table.catalog or table.args.get("when")
    if relation is None or elsewhere or table.db.lower() not in {"", relation.schema.lower()}:
        raise Refused(
            f"There is no table {_shown(table)} here: files, settings and the engine's own tables cannot be read.",
            f"Tables: {', '.join(sorted(relations))}.",
        )
    return relation


def _shown(table: exp.Table) -> str:
    return table.sql(dialect="duckdb", comments=False)[:80]
