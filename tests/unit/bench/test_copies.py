"""A copy of a workflow is the original with another id and time, and still well-formed."""

from collections import Counter

import pytest

from bench.copies import Original, encoded
from bench.proxy import CommandCounter

ID, AT = b"a" * 32, b"1700000000000"
COMMANDS = [(b"HSET", b"baton:wf:" + ID, b"created_ms", AT, b"query_id", ID), (b"ZADD", b"baton:by-time", AT, ID),
            (b"SET", b"celery-task-meta-" + ID, b'{"task_id":"' + ID + b'"}')]
ORIGINAL = Original(ID, AT, b"".join(map(encoded, COMMANDS)))


def test_every_id_and_time_is_replaced() -> None:
    copy = ORIGINAL.copy(b"b" * 32, b"1700000000999")
    assert (copy.count(b"b" * 32), copy.count(b"1700000000999")) == (5, 2)
    assert ID not in copy
    assert AT not in copy


def test_a_copy_is_as_many_commands() -> None:
    counts: Counter[str] = Counter()
    CommandCounter(counts).feed(ORIGINAL.copy(b"c" * 32, b"1700000000001"))
    assert counts == {"HSET": 1, "ZADD": 1, "SET": 1}


@pytest.mark.parametrize(("workflow_id", "created_ms"), [(b"short", AT), (ID, b"17")])
def test_a_copy_whose_lengths_would_not_fit_is_refused(workflow_id: bytes, created_ms: bytes) -> None:
    with pytest.raises(ValueError, match="as long as"):
        ORIGINAL.copy(workflow_id, created_ms)
