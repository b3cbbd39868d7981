"""Where a negation reaches: `not Delta`, `excluding flights of Delta`, `neither A nor B`."""

from agents.nlp.draft import Draft
from agents.nlp.lexicon import RefKind

_LINKS = frozenset({"and", "or", "nor", "the"})


def negation_before(draft: Draft, i: int) -> int | None:
    """The negation that reaches mark `i`, if one stands before it with nothing else in between."""
    for k in range(i - 1, max(i - 5, -1), -1):
        if draft.marks[k].is_a("negation", "no"):
            return k
        if not (draft.marks[k].soft or draft.marks[k].refs or draft.marks[k].is_a("comparator")) or draft.marks[k].of(
            RefKind.VALUE
        ):
            return None
    return None


def linked(draft: Draft, one: int, two: int) -> bool:
    """Whether two marks stand in one list: only `and`, `or` or commas (which are no marks) between them."""
    return all(mark.text.lower() in _LINKS for mark in draft.marks[one + 1 : two])
