"""Where a question may be cut."""

import pytest

from agents.nlp.cuts import Link, cut, plain


@pytest.mark.parametrize(
    ("question", "pieces"),
    [
        ("a by b; c", [("a by b", Link.START), ("c", Link.SENTENCE)]),
        ("Is it so? And also c.", [("Is it so", Link.START), ("c.", Link.SENTENCE)]),
        ("a and b, c as well as d", [("a", Link.START), ("b", Link.AND), ("c", Link.AND), ("d", Link.AND)]),
        ("a vs. b versus c", [("a", Link.START), ("b", Link.AGAINST), ("c", Link.AGAINST)]),
        ("a over 1,000 and 1.5 hours", [("a over 1,000", Link.START), ("1.5 hours", Link.AND)]),
        ("a, and then, finally, b", [("a", Link.START), ("b", Link.AND)]),
        ("sand and handbags", [("sand", Link.START), ("handbags", Link.AND)]),
        ("; ; ?", []),
        ("one thing", [("one thing", Link.START)]),
    ],
)
def test_the_links_cut(question: str, pieces: list[tuple[str, Link]]) -> None:
    assert [(question[piece.start : piece.end], piece.link) for piece in cut(question)] == pieces


@pytest.mark.parametrize(
    ("question", "left"),
    [
        ("1. a\n2. b", "a\n\nb"),
        ("(a) one (b) two", "one \ntwo"),
        ("- a\n- b", "a\n\nb"),
        ("First a, then b", "a, then b"),
        ("first a and b", "first a and b"),
        ("first week of June by a, then b", "first week of June by a, then b"),
        ("top 5. a", "top 5. a"),
    ],
)
def test_what_only_numbers_the_parts_is_left_out(question: str, left: str) -> None:
    assert plain(question) == left
