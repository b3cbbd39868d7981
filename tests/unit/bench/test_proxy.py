"""Commands are counted in a client's stream, however it is cut."""

from collections import Counter

import pytest

from bench.copies import encoded
from bench.proxy import CommandCounter

STREAM = b"".join(map(encoded, [(b"multi",), (b"SET", b"key", b"*1\r\n$4\r\nPING\r\n"), (b"SET", b"", b"x" * 9000),
                                (b"exec",)]))
COUNTS = {"MULTI": 1, "SET": 2, "EXEC": 1}


@pytest.mark.parametrize("piece", [1, 2, 7, 64, len(STREAM)])
def test_commands_are_counted_whatever_the_pieces(piece: int) -> None:
    counts: Counter[str] = Counter()
    counter = CommandCounter(counts)
    for at in range(0, len(STREAM), piece):
        counter.feed(STREAM[at : at + piece])
    assert counts == COUNTS


def test_a_command_that_is_not_whole_is_not_counted_yet() -> None:
    counts: Counter[str] = Counter()
    counter = CommandCounter(counts)
    counter.feed(STREAM[:-1])
    assert counts == {"MULTI": 1, "SET": 2}
    counter.feed(STREAM[-1:])
    assert counts == COUNTS


def test_what_is_no_command_is_an_error_and_not_a_wrong_count() -> None:
    with pytest.raises(ValueError, match="not a RESP array"):
        CommandCounter(Counter()).feed(b"PING\r\n")
