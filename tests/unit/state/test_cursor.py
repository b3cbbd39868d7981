"""Cursors, and gaps in a history."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from state.errors import BadCursor
from state.events import Gap, gap_after
from state.listing import MOST, Cursor, Listing

ids = st.text("0123456789abcdef", min_size=32, max_size=32)
cursors = st.builds(Cursor, st.integers(0, 10**14), ids)


@given(cursors)
def test_a_cursor_survives_a_url(cursor):
    assert re.fullmatch(r"[A-Za-z0-9_-]{32}", str(cursor))
    assert Cursor.parse(str(cursor)) == cursor


@given(st.text(max_size=40))
def test_any_other_text_is_refused_or_is_the_one_text_of_its_place(text):
    try:
        cursor = Cursor.parse(text)
    except BadCursor:
        return
    assert str(cursor) == text


@pytest.mark.parametrize("text", ["", "A" * 31, "A" * 33, "A" * 31 + "=", "A" * 31 + "+", "A" * 32 + "\n", "_" * 32,
                                  "1700000000000-" + "0" * 18])
def test_what_is_no_cursor_is_named_in_the_error(text):
    with pytest.raises(BadCursor, match=re.escape(repr(text[:40]))):
        Cursor.parse(text)


@pytest.mark.parametrize("limit", [0, -1, MOST + 1])
def test_a_page_has_a_limit(limit):
    with pytest.raises(ValueError, match="limit"):
        Listing(limit=limit)


@pytest.mark.parametrize(("after", "first", "missing"), [
    ("0-0", "5-0", False), ("5-0", "5-0", False), ("5-1", "5-0", False), ("10-0", "9-0", False), ("4-9", "5-0", True),
    ("5-0", "5-1", True), ("9-0", "10-0", True), ("5-9", "5-10", True), ("0-1", "5-0", True)])
def test_a_gap_is_what_lies_between_the_reader_and_the_first_event(after, first, missing):
    assert gap_after(after, first) == (Gap(after, first) if missing else None)
