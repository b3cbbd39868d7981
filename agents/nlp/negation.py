"""Where a negation reaches: `not Delta`, `excluding flights of Delta`."""

from agents.nlp.draft import Draft
from agents.nlp.lexicon import RefKind


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
