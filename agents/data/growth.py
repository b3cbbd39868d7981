"""How much longer than the data a text may become.

DuckDB's memory limit does not count the texts that most functions make (`replace`, `upper`, `reverse`, ...), and within
a batch of rows a statement cannot be interrupted; so a text that grows and grows must not be begun. What follows is an
upper bound per value: 1 is the size of what is in the tables.
"""

from sqlglot import exp

from agents.data.errors import Refused
from agents.data.tables import cte_of

MAX_GROWTH = 256
_JOINING = (exp.DPipe, exp.Concat, exp.ConcatWs, exp.Array, exp.Tuple, exp.Anonymous)
_REPLACING = (exp.Replace, exp.RegexpReplace)
_GATHERING = (exp.GroupConcat, exp.ArrayAgg)
_FORMATTING = (exp.Pad, exp.TimeToStr)
_FORMATTED = 8
# A text gathered from many rows, or row after row by recursion, is bounded by the memory limit only: little may follow.
_GATHERED = 64


def require_bounded_growth(query: exp.Query) -> None:
    """Refuse a statement whose texts could become more than `MAX_GROWTH` times as long as those it reads."""
    _growth(query, {})


def _growth(node: exp.Expr, known: dict[int, int]) -> int:
    """The bound of what `node` makes; `known` by `id` of the common table expressions. Raises `Refused`."""
    if isinstance(node, exp.Table):
        bound = _of_table(node, known)
    elif isinstance(node, exp.Select):
        bound = _of_select(node, known)
    elif isinstance(node, exp.With):
        bound = 1  # what it defines counts where it is named
    else:
        parts = [_growth(part, known) for part in node.iter_expressions()]
        bound = sum(parts) if isinstance(node, _JOINING) else max(parts, default=1) * _factor(node)
    if bound > MAX_GROWTH:
        raise Refused(
            f"The statement puts texts together so often that they could become more than {MAX_GROWTH} times as long.",
            "Join or replace texts once, in the outermost SELECT.",
        )
    return _GATHERED if isinstance(node, _GATHERING) else bound


def _of_select(select: exp.Select, known: dict[int, int]) -> int:
    """What it makes of a value times what it reads."""
    sources = [select.args.get("from_"), *select.args.get("joins", []), *select.args.get("laterals", [])]
    read = max((_growth(source, known) for source in sources if source), default=1)
    made = [part for part in select.iter_expressions() if not isinstance(part, (exp.From, exp.Join, exp.Lateral))]
    return read * max((_growth(part, known) for part in made), default=1)


def _of_table(table: exp.Table, known: dict[int, int]) -> int:
    cte = cte_of(table)
    joined = max((_growth(join, known) for join in table.args.get("joins") or []), default=1)
    if cte is None:
        return joined
    if id(cte) not in known:
        recursive = isinstance(cte.parent, exp.With) and bool(cte.parent.recursive)
        known[id(cte)] = _GATHERED if recursive else 1
        known[id(cte)] = max(known[id(cte)], _growth(cte.this, known))
    return max(known[id(cte)], joined)


def _factor(node: exp.Expr) -> int:
    if isinstance(node, _REPLACING):
        replacement = node.args.get("replacement")
        return max(1, len(replacement.name)) if replacement else 1
    return _FORMATTED if isinstance(node, _FORMATTING) else 1
