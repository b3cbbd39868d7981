"""Rules for the number asked for outright: `average arrival delay`, `how many flights`, `share of`."""

from agents.contract import TableSchema
from agents.nlp.draft import Draft
from agents.nlp.joins import Path
from agents.nlp.lexicon import RefKind
from agents.nlp.plan import Aggregate, ColumnRef, Measure
from agents.nlp.refusal import RefusalError

_COUNTS = (Aggregate.COUNT, Aggregate.COUNT_DISTINCT, Aggregate.SHARE)


def find_measures(draft: Draft) -> None:
    """Aggregates said outright, each with the column it is of."""
    _join_names(draft)
    for i in list(draft.open_marks("aggregate")):
        aggregate = Aggregate(draft.marks[i].classes["aggregate"])
        target = _target(draft, i, counted=aggregate in _COUNTS)
        if aggregate in _COUNTS or (target is not None and aggregate is Aggregate.SUM and draft.names_rows(target)):
            _count(draft, i, target, aggregate)
        elif target is not None:
            _aggregate(draft, i, target, aggregate)


def _join_names(draft: Draft) -> None:
    """`average number of pages`: between an aggregate and a numeric column, `number of` belongs to the name."""
    for i in list(draft.open_marks("aggregate")):
        following = draft.after(i)
        counting = following is not None and draft.marks[following].text.lower() in (
            "number of",
            "the number of",
            "amount of",
            "quantity of",
        )
        beyond = draft.after(following) if following is not None and counting else None
        if following is not None and beyond is not None and draft.column(beyond, numeric=True) is not None:
            draft.use(following)


def find_rows(draft: Draft) -> None:
    """The rows themselves are counted when nothing else is: `flights per day`, `busiest destinations`."""
    mentions = [i for i in draft.open_marks() if draft.names_rows(i)]
    if not draft.measures and (mentions or draft.dimensions):
        limited = draft.conditions or draft.periods
        if draft.dimensions or (limited and mentions and not asks_rows(draft)):
            draft.measures.append(Measure(aggregate=Aggregate.COUNT))
            if not mentions:
                draft.assume(f"What is counted is the rows of {draft.scope.base}.")
    draft.use(*mentions)


def asks_rows(draft: Draft) -> bool:
    """Whether the rows themselves are wanted: `list`, `show me`."""
    return any(
        m.is_a("list") or m.text.lower() in ("show", "display", "give", "find", "get", "see") for m in draft.marks
    )


def _target(draft: Draft, i: int, *, counted: bool) -> int | None:
    """The mark an aggregate is of: the next one that can be measured or counted, else the one before."""
    earlier = (k for k in range(i - 1, -1, -1) if k not in draft.used and _can(draft, k, counted=counted))
    if draft.marks[i].text.lower().startswith("on "):
        said = next(earlier, None)
        if said is not None and not draft.names_rows(said):
            return said
    beside = draft.after(i)
    if not counted and beside is not None and _joined_aggregate(draft, beside):
        return _target(draft, beside, counted=False)
    for k in range(i + 1, len(draft.marks)):
        if k not in draft.used and _can(draft, k, counted=counted):
            return k
        if draft.marks[k].is_a("aggregate", "group") and k not in draft.used and draft.marks[k].text.lower() != "the":
            break
        if counted and not (draft.marks[k].soft or k in draft.values_of or draft.marks[k].is_a("superlative")):
            break
    return next(earlier, None)


def _joined_aggregate(draft: Draft, k: int) -> bool:
    """`minimum and maximum departure delay`: both are of the same column."""
    joined = draft.marks[k - 1].text.lower() in ("and", "or")
    return joined and draft.marks[k].is_a("aggregate") and Aggregate(draft.marks[k].classes["aggregate"]) not in _COUNTS


def _can(draft: Draft, k: int, *, counted: bool) -> bool:
    mark = draft.marks[k]
    if mark.is_a("aggregate") or mark.quantity or mark.period:
        return False
    if counted:
        named = bool(mark.of(RefKind.TABLE, RefKind.COLUMN))
        return not mark.prop and (named or (not mark.classes and draft.column(k, numeric=False) is not None))
    return bool(mark.prop and mark.refs) or draft.column(k, numeric=True) is not None or draft.names_rows(k)


def _count(draft: Draft, i: int, target: int | None, aggregate: Aggregate) -> None:
    draft.use(i)
    if target is None or (draft.names_rows(target) and aggregate is not Aggregate.COUNT_DISTINCT):
        kind = aggregate if aggregate is Aggregate.SHARE else Aggregate.COUNT
        _append(draft, Measure(aggregate=kind))
        draft.use(*(() if target is None else (target,)))
        return
    mark = draft.marks[target]
    if aggregate is Aggregate.SHARE and (part := draft.column(target, numeric=True)):
        _append(draft, Measure(aggregate=aggregate, column=part))
        draft.use(target)
        return
    column = _counted_column(draft, target)
    if column is None or draft.having is not None:
        raise RefusalError(
            f"“{draft.marks[i].text} {mark.text}” cannot be counted here.",
            unmatched=[mark.text],
            suggestions=[f"Ask which {mark.text} fulfil it."] if draft.having is not None else [],
        )
    draft.use(target)
    _append(draft, Measure(aggregate=Aggregate.COUNT_DISTINCT, column=column))
    draft.assume(f"Different values of {column.name} are counted.")


def _counted_column(draft: Draft, target: int) -> ColumnRef | None:
    tables = [ref.table for ref in draft.marks[target].of(RefKind.TABLE) if ref.table in draft.scope.paths]
    if not tables:
        return _countable(draft, target)
    table = draft.scope.lexicon.table(tables[0])
    if len(table.primary_key) != 1:
        return None
    if table.name == draft.scope.base:
        return ColumnRef(table=table.name, name=table.primary_key[0])
    return _key_to(draft, table, draft.scope.path(table.name, draft.direction(target), draft.spoken_columns()))


def _countable(draft: Draft, target: int) -> ColumnRef | None:
    """The column whose different values are counted; one word of a date's or number's name is too little for that."""
    column = draft.column(target, numeric=False)
    named = draft.marks[target].of(RefKind.COLUMN)
    if column is not None and not named and draft.scope.schema(column).type != "string":
        return None
    return column


def _key_to(draft: Draft, table: TableSchema, via: Path) -> ColumnRef:
    """The key as the table before it on the way holds it: counted there, keys without a match count too."""
    owner = draft.scope.base
    for name in via[:-1]:
        owner = draft.scope.lexicon.joins.key(owner, name).ref_table
    key = draft.scope.lexicon.joins.key(owner, via[-1])
    if key.ref_columns == table.primary_key:
        return ColumnRef(table=owner, name=key.columns[0], via=via[:-1])
    return ColumnRef(table=table.name, name=table.primary_key[0], via=via)


def _aggregate(draft: Draft, i: int, target: int, aggregate: Aggregate) -> None:
    if draft.names_rows(target) and draft.column(target, numeric=True) is None:
        later = [
            k for k in draft.open_marks() if k > target and not draft.names_rows(k) and _can(draft, k, counted=False)
        ]
        if not later:
            return
        target = later[0]
    column = draft.column(target, numeric=True)
    if column is not None:
        beside = draft.after(i)
        draft.use(i, *(() if beside is not None and _joined_aggregate(draft, beside) else (target,)))
        _append(draft, Measure(aggregate=aggregate, column=column))


def _append(draft: Draft, measure: Measure) -> None:
    if measure not in draft.measures:
        draft.measures.append(measure)
