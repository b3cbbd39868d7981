"""docs/rollout.md quotes what was proven, and the policy that is in force."""

import json
import re
from itertools import product

import pytest

from core.settings import ROOT
from pipeline.rollout.policy import OF_THE_REST, Policy
from prove.proof import PROOFS
from prove.rollout import BROKEN, FEW_AT, LITTLE_AT, REGRESSIONS, SESSIONS, SHARES
from state.rollout import Phase
from state.sides import GROUPS

PAGE = (ROOT / "docs" / "rollout.md").read_text()


@pytest.mark.parametrize("share", SHARES)
def test_the_times_are_the_proven_ones(share):
    proven = json.loads(PROOFS.read_text())["rollout/detection"]["details"]
    (row,) = re.findall(rf"^\| {share} % \|(.*)\|$", PAGE, re.MULTILINE)
    cases = [proven[f"{name}, share {share} %"] for name in REGRESSIONS]
    told = [f"{case[which]:.0f} s" for case in cases for which in ("half_within_s", "95_%_within_s")]
    assert [cell.strip() for cell in row.split("|")] == told


@pytest.mark.parametrize(("sessions", "share"), list(product(SESSIONS, FEW_AT)))
def test_so_are_those_of_few_sessions(sessions, share):
    proven = json.loads(PROOFS.read_text())["rollout/sessions"]["details"]
    (row,) = re.findall(rf"^\| {sessions} sessions, share {share} % \|(.*)\|$", PAGE, re.MULTILINE)
    cases = [proven[f"{name}, {sessions} sessions, share {share} %"] for name in REGRESSIONS]
    told = [f"{case[which]:.0f} s" for case in cases for which in ("half_within_s", "95_%_within_s")]
    assert [cell.strip() for cell in row.split("|")] == told


@pytest.mark.parametrize("broken", BROKEN)
def test_the_least_traffic_is_the_proven_one(broken):
    proven = json.loads(PROOFS.read_text())["rollout/little"]["details"]
    (row,) = re.findall(rf"^\| {broken} \|(.*)\|$", PAGE, re.MULTILINE)
    assert [float(cell) for cell in row.split("|")] == [proven[f"{broken}, share {share} %"] for share in LITTLE_AT]


def test_the_policy_is_the_one_in_force():
    policy = Policy()
    assert policy.windows_s == (30, 60, 600)
    assert "30 s, 60 s and 10 min" in PAGE
    assert (policy.significance, policy.significance_of_latency, policy.doubt) == (1e-8, 1e-10, 1e-3)
    assert all(said in PAGE for said in ("1 in 10⁸", "1 in 10¹⁰", "1 in 1,000"))
    assert (policy.more_failures, policy.more_stand_ins, policy.more_slow) == (0.02, 0.05, 0.05)
    assert (policy.asked_at_least, policy.bad_at_least) == (20, 5)
    assert f"{2 ** (5 / 16):.2f} to {policy.latency_factor:.2f} times" in PAGE
    assert (policy.suspicion_windows_s, policy.suspicion) == ((10, 20, 60, 300), 1e-5)
    assert all(said in PAGE for said in ("10 s, 20 s, 60 s or 5 min", "1 in 100,000"))
    assert (policy.failing_windows_s, policy.failing_share) == ((60, 600), 0.05)
    assert "5 % failures within a\n  minute or ten" in PAGE
    assert (policy.first_asked, OF_THE_REST, GROUPS) == (500, 100, 16)
    assert all(said in PAGE for said in ("first 500 questions", "a hundred times less surely", "sixteen groups"))
    assert (policy.stage_idle_s, policy.compare_most_s) == (3_600, 1_200)
    assert all(said in PAGE for said in ("nobody asks by Celery for an hour", "after twenty minutes anyway"))
    assert policy.compare_soon_s == 240
    assert "from the fourth minute on" in PAGE
    comparing = [policy.within(Phase.COMPARING, age_s) for age_s in (0, policy.compare_s, policy.compare_s + 1)]
    assert [one.significance for one in comparing] == [few * policy.significance for few in (15, 15, 1)]
    assert comparing[0].asked_at_least == policy.within(Phase.RETURNING, 0).asked_at_least == 5
    assert "1/15 as rare" in PAGE
    assert policy.stages == (1, 5, 25, 50, 100)
