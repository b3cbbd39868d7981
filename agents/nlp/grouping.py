"""Rules for what the rows are grouped by: `by carrier`, `which airlines`, `top 10 destinations`, `monthly`."""

from agents.nlp.draft import Draft
from agents.nlp.joins import Path
from agents.nlp.leftovers import said_already
from agents.nlp.lexicon import RefKind
from agents.nlp.plan import ColumnRef, Dimension
from agents.nlp.refusal import RefusalError
from agents.nlp.time_groups import add_grain, add_trend

_FEW = 50
_AND = frozenset({"and", "&", "then", "per", "by"})


def find_groups(draft: Draft) -> None:
    """Grouping words first, then times, then `which X` and `top N X`."""
    for i in list(draft.open_marks("group")):
        _take_list(draft, i)
    for i in list(draft.open_marks("grain")):
        draft.ranked = draft.ranked or (i > 0 and draft.marks[i - 1].is_a("which", "superlative", "top"))
        add_grain(draft, i)
    if any(True for _ in draft.open_marks("trend")):
        add_trend(draft)
    _take_ranked(draft)
    for i in list(draft.open_marks("which")):
        following = draft.after(i)
        if following is not None and following not in draft.used:
            _add(draft, following, ranked=True)


def _take_list(draft: Draft, i: int) -> None:
    """`by species and sex`: the marks after a grouping word, joined by `and`."""
    k = draft.after(i)
    if k is not None and _described(draft, k):
        return
    while k is not None and k not in draft.used and _add(draft, k):
        link = k + 1
        joined = link < len(draft.marks) and draft.marks[link].text.lower() in _AND
        k = draft.after(k) if joined else None
        draft.use(i)


def _described(draft: Draft, k: int) -> bool:
    """Whether a table named after `by` is the doer of a passive, described by a value (`flown by planes of Boeing`)."""
    tables = {ref.table for ref in draft.marks[k].of(RefKind.TABLE)}
    return any(column.table in tables and column.table != draft.scope.base for column in draft.values_of.values())


def _take_ranked(draft: Draft) -> None:
    """`top 10 destinations`, `five carriers with`, `busiest airports`: a group with a number of places or one."""
    for i in list(draft.open_marks()):
        mark = draft.marks[i]
        busiest = mark.classes.get("superlative", "").startswith("rows")
        number = mark.quantity if mark.quantity and not mark.quantity.unit else None
        following = draft.after(i)
        while following is not None and draft.marks[following].is_a("superlative") and following not in draft.used:
            busiest = busiest or draft.marks[following].classes["superlative"].startswith("rows")
            following = draft.after(following)
        if not (busiest or number or mark.is_a("top")) or following is None or following in draft.used:
            continue
        if (not mark.is_a("top") or number or busiest) and _add(draft, following, ranked=True) and number:
            draft.limit = int(number.value)
            draft.use(i)


def add_leftover(draft: Draft) -> None:
    """A column named without any grouping word (`island with the most penguins`) groups a ranking."""
    if not (
        draft.having
        or any(m.is_a("superlative", "top") or (m.prop and m.text.lower() in m.prop.superlatives) for m in draft.marks)
    ):
        return
    for i in list(draft.open_marks()):
        if draft.marks[i].refs and not draft.marks[i].classes and not said_already(draft, i):
            _add(draft, i, ranked=True)


def _add(draft: Draft, i: int, *, ranked: bool = False) -> bool:
    """Group by what mark `i` names, if it can be grouped by."""
    i = _head(draft, i)
    mark = draft.marks[i]
    if mark.is_a("grain"):
        return not ranked and add_grain(draft, i)
    column = group_column(draft, i)
    if column is None:
        return False
    if not any(d.column == column for d in draft.dimensions):
        draft.dimensions.append(Dimension(column=column))
    draft.ranked = draft.ranked or ranked
    draft.entities.append({"text": mark.text, "type": "dimension", "column": f"{column.table}.{column.name}"})
    draft.use(i)
    return True


def _head(draft: Draft, i: int) -> int:
    """The last of two nouns (`plane manufacturers` are manufacturers), where the first only names its table."""
    first = draft.marks[i]
    if i + 1 >= len(draft.marks) or i + 1 in draft.used or first.of(RefKind.COLUMN):
        return i
    tables = {ref.table for ref in first.of(RefKind.TABLE, RefKind.PARTIAL)}
    if not any(ref.table in tables for ref in draft.marks[i + 1].of(RefKind.COLUMN)) or draft.marks[i + 1].of(
        RefKind.TABLE
    ):
        return i
    draft.use(i)
    return i + 1


def group_column(draft: Draft, i: int) -> ColumnRef | None:
    """The column to group by: the one named; for a table named, the column that names its rows, else the key to it."""
    mark, scope = draft.marks[i], draft.scope
    tables = [ref.table for ref in mark.of(RefKind.TABLE) if ref.table in scope.paths]
    if scope.base in tables or mark.quantity or mark.period or mark.prop:
        return None
    if tables and mark.text.lower() not in {ref.column for ref in mark.of(RefKind.COLUMN)}:
        return _row_name(draft, tables[0], i)
    if mark.classes and not mark.of(RefKind.COLUMN):
        return None
    column = draft.column(i, numeric=False)
    return column or (_few_numbers(draft, i) if mark.of(RefKind.COLUMN) else None)


def _few_numbers(draft: Draft, i: int) -> ColumnRef | None:
    column = draft.column(i)
    if column is None or not i or not draft.marks[i - 1].is_a("group", "which"):
        return None
    known = draft.scope.schema(column)
    if known.type != "integer" or (known.distinct_count or 0) > _FEW:
        return None
    return column


def _row_name(draft: Draft, table: str, i: int) -> ColumnRef:
    scope = draft.scope
    via = _way(draft, table, i)
    label = scope.lexicon.label(table)
    if label is not None:
        draft.assume(f"{table} are shown by {label}.")
        return ColumnRef(table=table, name=label, via=via)
    owner = scope.base if len(via) == 1 else next(t for t, ways in scope.paths.items() if via[:-1] in ways)
    return ColumnRef(table=owner, name=via[-1].split("+")[0], via=via[:-1])


def _way(draft: Draft, table: str, i: int) -> Path:
    """The way to a table; where the words leave it open, the only one with as many places as are ranked."""
    try:
        return draft.scope.path(table, draft.direction(i), draft.spoken_columns())
    except RefusalError:
        places = _places(draft, i)
        ways = {way: draft.scope.choices(way) for way in draft.scope.paths[table]}
        roomy = [way for way, choices in ways.items() if choices >= places]
        if places < 2 or len(roomy) != 1:
            raise
    names = [way[0].replace("+", " and ") for way in (roomy[0], *(way for way in ways if way != roomy[0]))]
    draft.assume(f"“{draft.marks[i].text}” is taken as {names[0]}; {' and '.join(names[1:])} has less than {places}.")
    return roomy[0]


def _places(draft: Draft, i: int) -> int:
    """How many are ranked: `ten worst airports`; 0 when no number was said."""
    for k in range(i - 1, -1, -1):
        quantity = draft.marks[k].quantity
        if quantity is not None:
            return 0 if quantity.unit else int(quantity.value)
        if not draft.marks[k].is_a("superlative", "top"):
            break
    return 0


def name_rows(draft: Draft) -> None:
    """`names please`: a group by code becomes a group by the name in the table the code points to."""
    for i in list(draft.open_marks("label")):
        for place, dimension in enumerate(draft.dimensions):
            named = _named(draft, dimension.column) if dimension.column else None
            if named is not None:
                draft.dimensions[place] = Dimension(column=named)
                draft.use(i)


def _named(draft: Draft, column: ColumnRef) -> ColumnRef | None:
    if draft.scope.lexicon.label(column.table) == column.name:
        return column
    keys = [key for key in draft.scope.lexicon.table(column.table).foreign_keys if key.columns == [column.name]]
    label = draft.scope.lexicon.label(keys[0].ref_table) if keys else None
    return ColumnRef(table=keys[0].ref_table, name=label, via=(*column.via, column.name)) if label else None
