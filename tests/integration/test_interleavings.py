"""Operators, crashes, and late and doubled messages in random order: all ends once and legally."""

from pathlib import Path

import pytest

from tests.chaos.interleavings import MUST_BE_REACHED, interleave

EXAMPLES, SEED = 4, 1


@pytest.mark.timeout(180)
def test_whatever_is_done_in_whatever_order_all_ends_once_and_legally(tmp_path: Path) -> None:
    outcome = interleave(tmp_path, EXAMPLES, SEED)
    assert outcome.faults == {}
    missing = [name for name in MUST_BE_REACHED if not outcome.reached[name]]
    assert not missing, f"never reached: {missing}; reached: {dict(outcome.reached)}"
