"""How much a statement is once everything in it is written out: planning cannot be interrupted, so it must be small."""

from sqlglot import exp

from agents.data.errors import Refused
from agents.data.tables import cte_of

MAX_SCANS = 64


def require_small(query: exp.Query) -> None:
    """Refuse doubling: expressions that name each other twice, and stars beside each other."""
    scans = _scans(query, {})
    if scans > MAX_SCANS:
        raise Refused(
            f"Written out, the statement reads {min(scans, 10**6)} tables; {MAX_SCANS} are allowed.",
            "Join fewer tables, or ask in several steps.",
        )
    if query.find(exp.Columns):
        raise Refused("COLUMNS(...) is not allowed: it stands for many expressions.", "Name the columns.")
    for select in query.find_all(exp.Select):
        stars = [item.sql() for item in select.expressions if item.is_star]
        if len(stars) != len(set(stars)) or (len(stars) > 1 and "*" in stars):
            raise Refused("The same columns are asked for twice with a star.", "Use one star, or name the columns.")


def _scans(node: exp.Expr, known: dict[int, int]) -> int:
    """Tables read when every common table expression is put in the place of its name; `known` by `id` of the CTE."""
    total = 0
    for table in node.find_all(exp.Table):
        cte = cte_of(table)
        if cte is None:
            total += 1
            continue
        if id(cte) not in known:
            known[id(cte)] = 1  # a recursive expression names itself
            known[id(cte)] = _scans(cte.this, known)
        total += known[id(cte)]
    return total
