"""Failures that are alike."""

import pytest

from api.pages.operators.error_groups import groups_of, normalised
from state.faults import Fault


@pytest.mark.parametrize(("one", "other"), [
    ("took 12.5 s of 30 s", "took 1 s of 120 s"),
    ("no table “flights”", "no table “planes 2”"),
    ("http://127.0.0.1:8002/execute answered 503", "http://data.example:80/execute answered 500"),
    ("id 0123456789abcdef0123456789abcdef is gone", "id 01234567-89ab-cdef-0123-456789abcdef is gone"),
    ("Nothing matches “a”.", "Nothing matches “a”, “b”, “c”."),
])
def test_particulars_make_no_difference(one, other):
    assert normalised(one) == normalised(other)


def test_words_do():
    assert normalised("cannot be reached (ConnectTimeout)") != normalised("cannot be reached (ConnectionError)")


def test_a_message_is_bounded():
    assert len(normalised("word " * 10_000)) == 200


def test_groups_count_workflows_and_know_their_first_and_last():
    timeout = "agent_timeout"
    faults = [Fault("c", "data", timeout, "after 3 s", 30), Fault("b", "data", timeout, "after 2 s", 20),
              Fault("b", "data", timeout, "after 9 s", 25), Fault("a", "nlp", timeout, "after 1 s", 10)]
    large, small = groups_of(faults)
    assert (large.agent, large.ids, large.first_ms, large.last_ms) == ("data", ["c", "b"], 20, 30)
    assert (large.message, large.sample) == ("after # s", "after 3 s")
    assert (small.agent, small.ids) == ("nlp", ["a"])
    assert large.key != small.key
