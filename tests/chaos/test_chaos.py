"""Every promise is kept while everything is killed with -9, one after the other, under load."""

from pathlib import Path

import pytest

from tests.chaos.arena import Shape
from tests.chaos.killer import ROWS, VALKEY_AT_LEAST
from tests.chaos.run import Size, run_chaos

SEED = 20_260_101


@pytest.mark.timeout(180)
def test_every_accepted_workflow_ends_once_whatever_dies(tmp_path: Path) -> None:
    shape = Shape(beats=2, longest_s=0.4, fault_share=0.05, seed=SEED)
    outcome = run_chaos(tmp_path, Size(workflows=100, kills=10, every_s=1.2), shape, print)
    print(outcome)
    assert outcome.verdict.faults == {}
    assert outcome.ended == []
    assert outcome.verdict.accepted >= 100
    assert sum(outcome.verdict.statuses.values()) == outcome.verdict.accepted
    assert set(outcome.kills) == set(ROWS)
    assert outcome.kills["valkey"] >= VALKEY_AT_LEAST
    assert outcome.verdict.statuses["SUCCEEDED"] >= 0.8 * outcome.verdict.accepted
