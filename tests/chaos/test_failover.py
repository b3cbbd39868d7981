"""Sentinel: a primary that dies is replaced, and no process has to be told."""

from pathlib import Path

import pytest

from state.model import WorkflowStatus
from tests.chaos.failover import fail_over

QUICK = {"LEASE_S": "2", "RENEW_INTERVAL_S": "0.6", "RESEND_GRACE_S": "2"}


@pytest.mark.timeout(180)
def test_rubbish_in_a_queue_and_then_a_failover_while_questions_come_in(tmp_path: Path) -> None:
    outcome = fail_over(tmp_path, "gevent", before=30, after=30, **QUICK)
    print(outcome)
    assert outcome.lost_early == []
    assert outcome.statuses == {WorkflowStatus.SUCCEEDED: outcome.accepted - outcome.lost}
    assert outcome.accepted >= 60
    assert (outcome.left_due, outcome.ended) == (0, [])
