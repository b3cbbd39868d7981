"""The last check: every word with content must have had its say, else the question is refused."""

from agents.nlp.draft import Draft, family
from agents.nlp.lexicon import RefKind, unit_of
from agents.nlp.plan import Aggregate
from agents.nlp.refusal import RefusalError


def check_all_used(draft: Draft) -> None:
    """Let go what the plan already says by other words; refuse over the rest. Raises `RefusalError`."""
    for i in list(draft.open_marks()):
        if said_already(draft, i):
            draft.use(i)
    _check_who(draft)
    left = [draft.marks[i].text for i in draft.open_marks() if not draft.marks[i].soft]
    if left:
        raise RefusalError(
            f"It is not clear what {', '.join(f'“{text}”' for text in left)} means here.", unmatched=left
        )
    if not draft.measures:
        raise RefusalError(
            "It is not clear what is asked for.", suggestions=["Say what to count or average, and of what."]
        )
    _check_rows(draft)
    if draft.having is not None and (not draft.dimensions or draft.measures[0].aggregate is Aggregate.NONE):
        raise RefusalError(
            "A condition on a total needs groups.",
            suggestions=["Say per what, for example “which ... have more than ...”."],
        )


def _check_rows(draft: Draft) -> None:
    """Rows shown one by one are neither grouped nor, in the same table, counted."""
    if not _listed(draft):
        return
    if draft.dimensions:
        raise RefusalError(
            "Rows shown one by one cannot be grouped.", suggestions=["Leave the group out, or ask for an average."]
        )
    if any(m.aggregate is not Aggregate.NONE for m in draft.measures):
        raise RefusalError(
            "Rows shown one by one and a number about all of them cannot be asked for at once.",
            suggestions=["Ask for the one, then for the other."],
        )


def check_groups(draft: Draft) -> None:
    """Refuse what one grouping cannot say: a ranking inside groups, and how many groups fulfil a condition."""
    if draft.limit is not None and len(set(draft.dimensions)) > 1 and not _listed(draft):
        raise RefusalError(
            "A ranking of one group within another cannot be asked for at once.",
            unmatched=[draft.marks[i].text for i in draft.used if draft.marks[i].is_a("top", "superlative")],
            suggestions=["Ask for the ranking first, then for its details."],
        )
    for i, mark in enumerate(draft.marks):
        counted = draft.after(i)
        if draft.having is None or counted is None or not mark.classes.get("aggregate", "").startswith("count"):
            continue
        if not draft.names_rows(counted) and (draft.marks[counted].refs or draft.marks[counted].is_a("grain")):
            text = draft.marks[counted].text
            raise RefusalError(
                f"How many {text} fulfil a condition cannot be counted.",
                unmatched=[mark.text],
                suggestions=[f"Ask which {text} fulfil it."],
            )


def _listed(draft: Draft) -> bool:
    return any(m.aggregate is Aggregate.NONE for m in draft.measures)


def _check_who(draft: Draft) -> None:
    """`who` asks for a group; nothing in a schema says which one, unless values to choose from are named."""
    asked = [m.text for m in draft.marks[:1] if m.text.lower() in ("who", "whose")]
    if asked and not any(d.column in draft.values_of.values() for d in draft.dimensions):
        raise RefusalError(
            f"It is not clear who “{asked[0]}” may be.",
            unmatched=asked,
            suggestions=["Say “which” and the kind of thing."],
        )


def said_already(draft: Draft, i: int) -> bool:
    """Whether mark `i` only repeats what the plan has: its table, one of its columns, or the unit of one."""
    mark = draft.marks[i]
    if mark.unit:
        return _is_unit_used(draft, mark.unit)
    if mark.is_a("negation", "no", "missing", "comparator", "relation") or mark.quantity or mark.period:
        return False
    tables, columns = _used_tables(draft), _used_columns(draft)
    if any(ref.table in tables for ref in mark.of(RefKind.TABLE)):
        return True
    if any((ref.table, ref.column) in columns for ref in mark.of(RefKind.COLUMN)) and not mark.of(RefKind.VALUE):
        return True
    return (
        bool(mark.of(RefKind.PARTIAL))
        and any((r.table, r.column) in columns for r in mark.of(RefKind.PARTIAL))
        and not mark.of(RefKind.VALUE)
    )


def _used_columns(draft: Draft) -> set[tuple[str, str]]:
    refs = [
        *(m.column for m in draft.measures),
        *(d.column for d in draft.dimensions),
        *(f.column for f in draft.conditions),
        *(f.column for m in draft.measures for f in m.where),
    ]
    moment = draft.time_axis.moment if draft.time_axis else None
    return {(ref.table, ref.name) for ref in (*refs, moment) if ref is not None}


def _used_tables(draft: Draft) -> set[str]:
    return {draft.scope.base} | {table for table, _ in _used_columns(draft)} | _key_tables(draft)


def _key_tables(draft: Draft) -> set[str]:
    """Tables a used key points to: `plane` says no more than its tail number."""
    keys = [
        (t, key)
        for t in draft.scope.paths
        for key in draft.scope.lexicon.table(t).foreign_keys
        if len(key.columns) == 1
    ]
    return {key.ref_table for table, key in keys if (table, key.columns[0]) in _used_columns(draft)}


def _is_unit_used(draft: Draft, unit: str) -> bool:
    used = {unit_of(draft.scope.lexicon.column(table, name)) for table, name in _used_columns(draft)}
    return any(own and own.lower().rstrip("s")[:1] == unit[:1] and family(own) == family(unit) for own in used)
