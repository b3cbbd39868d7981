"""The check on `or`: within one list of values or times it is understood, between two conditions it is not."""

from collections.abc import Hashable

from agents.nlp.draft import Draft
from agents.nlp.refusal import RefusalError


def check_alternatives(draft: Draft) -> None:
    """Conditions are all required at once; refuse where the question says either. Raises `RefusalError`."""
    said = _conditions(draft)
    for i, mark in enumerate(draft.marks):
        if mark.text.lower() not in ("or", "nor"):
            continue
        before = max((k for k in said if k < i), default=None)
        after = min((k for k in said if k > i), default=None)
        if before is not None and after is not None and said[before] != said[after]:
            raise RefusalError(
                f"Either “{draft.marks[before].text}” or “{draft.marks[after].text}” cannot be asked for at once.",
                unmatched=[mark.text],
                suggestions=["Ask for each of the two on its own."],
            )


def _conditions(draft: Draft) -> dict[int, Hashable]:
    """The marks that became conditions, each with what it became; the values of one column became one."""
    found: dict[int, Hashable] = {i: condition for condition, i in draft.said_at.items()}
    found |= {i: draft.marks[i].text + str(i) for i in draft.used if draft.marks[i].is_a("comparator")}
    found |= draft.values_of
    return found | draft.period_of
