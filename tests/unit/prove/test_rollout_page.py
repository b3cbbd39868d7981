"""docs/rollout.md quotes what was proven, and the policy that is in force."""

import json
import re

import pytest

from core.settings import ROOT
from pipeline.rollout.policy import Policy
from prove.proof import PROOFS
from prove.rollout import REGRESSIONS, SHARES

PAGE = (ROOT / "docs" / "rollout.md").read_text()


@pytest.mark.parametrize("share", SHARES)
def test_the_times_are_the_proven_ones(share):
    proven = json.loads(PROOFS.read_text())["rollout/detection"]["details"]
    (row,) = re.findall(rf"^\| {share} % \|(.*)\|$", PAGE, re.MULTILINE)
    cases = [proven[f"{name}, share {share} %"] for name in REGRESSIONS]
    told = [f"{case[which]:.0f} s" for case in cases for which in ("half_within_s", "95_%_within_s")]
    assert [cell.strip() for cell in row.split("|")] == told


def test_the_policy_is_the_one_in_force():
    policy = Policy()
    assert policy.windows_s == (30, 60, 600)
    assert "30 s, 60 s and 10 min" in PAGE
    assert (policy.significance, policy.significance_of_latency, policy.doubt) == (1e-8, 1e-10, 1e-3)
    assert all(said in PAGE for said in ("1 in 10⁸", "1 in 10¹⁰", "1 in 1,000"))
    assert (policy.more_failures, policy.more_stand_ins, policy.more_slow) == (0.02, 0.05, 0.05)
    assert (policy.asked_at_least, policy.bad_at_least) == (20, 5)
    assert f"{2 ** (5 / 16):.2f} to {policy.latency_factor:.2f} times" in PAGE
    assert (policy.suspicion_windows_s, policy.suspicion) == ((10, 20, 60), 1e-5)
    assert all(said in PAGE for said in ("10 s, 20 s or 60 s", "1 in 100,000"))
    assert policy.compare_soon_s == 240
    assert "from the fourth minute on" in PAGE
    assert policy.comparing.significance == 15 * policy.significance
    assert "1/15 as rare" in PAGE
    assert policy.stages == (1, 5, 25, 50, 100)
