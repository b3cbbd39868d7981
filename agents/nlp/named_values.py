"""Rules for values named in the question: `from JFK`, `female Gentoo`, `not Delta`, `American or Delta`."""

from collections import Counter

from agents.nlp.draft import Draft
from agents.nlp.lexicon import Ref, RefKind
from agents.nlp.marks import Mark
from agents.nlp.negation import linked, negation_before
from agents.nlp.plan import ColumnRef, Dimension, Filter, Operator
from agents.nlp.refusal import RefusalError

_COMPARING = ("compare", "comparison", "comparing", "versus", "vs", "than", "difference", "differ", "as opposed")


def find_values(draft: Draft) -> None:
    """Every value named becomes a filter; several values of one column that are compared also group the rows."""
    marks = [i for i in draft.open_marks() if _is_value(draft.marks[i])]
    shared = Counter(
        (ref.table, ref.column)
        for i in marks
        for ref in {(r.table, r.column): r for r in draft.marks[i].of(RefKind.VALUE)}.values()
    )
    wanted: dict[ColumnRef, list[str]] = {}
    unwanted: dict[ColumnRef, list[str]] = {}
    negated: dict[int, int] = {}
    for i in marks:
        ref = _choose(draft, i, shared)
        if ref is None:
            continue
        column = draft.located(ref, i)
        negation = _negation_of(draft, i, column, negated)
        if negation is not None:
            negated[i] = negation
        (wanted if negation is None else unwanted).setdefault(column, []).extend(ref.values)
        draft.use(i, *(() if negation is None else (negation,)))
        draft.values_of[i] = column
        _absorb(draft, i, column)
        _explain(draft, i, ref)
    _check_one_sided(draft, wanted, unwanted)
    for column, values in wanted.items():
        draft.require(_filter(column, values, Operator.EQ, Operator.IN), _last_said(draft, column))
        if len({i for i, c in draft.values_of.items() if c == column}) > 1 and _compared(draft):
            draft.dimensions.append(Dimension(column=column))
    for column, values in unwanted.items():
        draft.require(_filter(column, values, Operator.NE, Operator.NOT_IN), _last_said(draft, column))


def _negation_of(draft: Draft, i: int, column: ColumnRef, negated: dict[int, int]) -> int | None:
    """The negation before the value, else the one of the list of values of the same column it stands in."""
    before = negation_before(draft, i)
    if before is not None:
        return before
    earlier = max((k for k, known in draft.values_of.items() if known == column and k < i), default=None)
    return negated.get(earlier) if earlier is not None and linked(draft, earlier, i) else None


def _check_one_sided(draft: Draft, wanted: dict[ColumnRef, list[str]], unwanted: dict[ColumnRef, list[str]]) -> None:
    for column in wanted:
        if column in unwanted:
            raise RefusalError(
                f"It is not clear which {column.name.replace('_', ' ')} is wanted and which is not.",
                unmatched=[draft.marks[i].text for i, known in draft.values_of.items() if known == column],
                suggestions=["Name only what is wanted, or only what is not."],
            )


def _last_said(draft: Draft, column: ColumnRef) -> int:
    return max(i for i, known in draft.values_of.items() if known == column)


def _is_value(mark: Mark) -> bool:
    """Whether the words name a value and not the table or column itself."""
    return bool(mark.of(RefKind.VALUE)) and not mark.of(RefKind.TABLE, RefKind.COLUMN)


def _filter(column: ColumnRef, values: list[str], one: Operator, many: Operator) -> Filter:
    unique = tuple(dict.fromkeys(values))
    return Filter(column=column, operator=one if len(unique) == 1 else many, values=unique)


def _choose(draft: Draft, i: int, shared: Counter[tuple[str, str]]) -> Ref | None:
    """The column a value is of: written in full, shared with the other values, near, on the side spoken of."""
    mark = draft.marks[i]
    refs = [ref for ref in mark.of(RefKind.VALUE) if ref.table in draft.scope.paths]
    refs = [ref for ref in refs if ref.exact] or refs
    if mark.quantity:
        refs = [ref for ref in refs if (ref.table, ref.column) in _beside(draft, i)]
    if not refs:
        return None
    side, spoken = draft.direction(i), _beside(draft, i)
    sided = bool(side) or (i > 0 and bool(draft.marks[i - 1].of(RefKind.COLUMN)))
    refs = draft.scope.near([ref for ref in refs if sided or len(draft.scope.paths[ref.table]) == 1] or refs)
    most = max(shared[ref.table, ref.column] for ref in refs)
    refs = [ref for ref in refs if shared[ref.table, ref.column] == most]
    for narrowed in (
        [r for r in refs if (r.table, r.column) in spoken],
        [r for r in refs if side and draft.scope.points(r.column, side)],
    ):
        refs = narrowed or refs
    if len(refs) > 1:
        names = [f"{ref.column} {'/'.join(ref.values)}" for ref in refs]
        raise RefusalError(f"“{mark.text}” may mean {' or '.join(names)}.", did_you_mean=names, unmatched=[mark.text])
    return refs[0]


def _beside(draft: Draft, i: int) -> set[tuple[str, str]]:
    """The columns named right before or after the value (`carrier DL`, `the Gentoo species`)."""
    sides = [k for k in (draft.before(i), draft.after(i)) if k is not None and k not in draft.used]
    return {(ref.table, ref.column) for k in sides for ref in draft.marks[k].of(RefKind.COLUMN, RefKind.PARTIAL)}


def _absorb(draft: Draft, i: int, column: ColumnRef) -> None:
    """The name of the value's own column or table right beside it says nothing more."""
    for k in (draft.before(i), draft.after(i)):
        if k is None or k in draft.used or draft.marks[k].is_a("aggregate", "superlative"):
            continue
        mark = draft.marks[k]
        own = any((r.table, r.column) == (column.table, column.name) for r in mark.of(RefKind.COLUMN))
        its_table = (
            any(r.table == column.table for r in mark.of(RefKind.TABLE, RefKind.PARTIAL))
            and column.table != draft.scope.base
        )
        if (own or its_table) and not _grouped(draft, k):
            draft.use(k)


def _grouped(draft: Draft, k: int) -> bool:
    return k > 0 and draft.marks[k - 1].is_a("group")


def _compared(draft: Draft) -> bool:
    """Whether the values are set against each other; a mere `or` inside a count is not."""
    text = " ".join(t.lower for t in draft.tokens)
    asks_who = draft.marks[0].is_a("which") or any(
        m.prop and m.text.lower() in m.prop.comparatives for m in draft.marks
    )
    counting = any(m.classes.get("aggregate", "").startswith("count") for m in draft.marks)
    return any(word in text.split() for word in _COMPARING) or asks_who or (" or " not in f" {text} " and not counting)


def _explain(draft: Draft, i: int, ref: Ref) -> None:
    text = draft.marks[i].text
    draft.entities.append(
        {"text": text, "type": "value", "column": f"{ref.table}.{ref.column}", "value": ", ".join(ref.values)}
    )
    if not ref.exact:
        draft.assume(f"“{text}” is read as {', '.join(ref.values)}.")
