"""Rules for a property said of the rows without a number: `delayed flights`, `most delayed flights`."""

from agents.nlp.draft import Draft
from agents.nlp.plan import Filter
from agents.nlp.refusal import RefusalError


def find_bare_properties(draft: Draft) -> None:
    """`delayed flights`: a property that stands before what is counted means more than zero."""
    counting = any(m.classes.get("aggregate", "").startswith(("count", "share")) for m in draft.marks)
    for i in list(draft.open_marks()):
        prop, word = draft.marks[i].prop, draft.marks[i].text.lower()
        if prop is None or not prop.bare or word not in prop.high | prop.low or (i and draft.marks[i - 1].is_a("how")):
            continue
        if counting or _most_of_rows(draft, i):
            _more_than_zero(draft, i, "lt" if word in prop.low else "gt")


def _most_of_rows(draft: Draft, i: int) -> bool:
    """`most delayed flights`: rows, and so a count per group. Raises `RefusalError` where there is no group."""
    rows, superlative = draft.after(i), draft.before(i)
    if rows is None or superlative is None or not draft.names_rows(rows):
        return False
    if draft.marks[superlative].classes.get("superlative") not in ("high", "low"):
        return False
    if not draft.dimensions:
        said = f"{draft.marks[superlative].text} {draft.marks[i].text}"
        raise RefusalError(
            f"It is not clear whether “{said}” means how many or how much.",
            unmatched=[said],
            suggestions=["Say which group has the most of them, or ask for the highest value."],
        )
    return True


def _more_than_zero(draft: Draft, i: int, sign: str) -> None:
    column = draft.column(i, numeric=True)
    if column is not None:
        draft.require(Filter.model_validate({"column": column, "operator": sign, "values": (0,)}), i)
        draft.assume(f"“{draft.marks[i].text}” means {column.name} {'below' if sign == 'lt' else 'above'} 0.")
        draft.use(i)
