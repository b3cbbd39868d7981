"""The rollout's simulations: small ones of both kinds, and that no look worth judging is passed over."""

from dataclasses import replace

import numpy as np
import pytest

from pipeline.rollout.policy import Policy
from pipeline.rollout.windows import age_s, worse
from prove import quiet_rollout
from prove.quiet_rollout import Quiet, judge
from prove.rollout_world import BEGINS_MS, Regression, Traffic, World, detection_s, quiet
from state.rollout import Phase, Rollout
from state.sides import SLOT_MS

POLICY = Policy()


@pytest.fixture
def an_hour(monkeypatch):
    monkeypatch.setattr(quiet_rollout, "DAY_SLOTS", 720)


@pytest.mark.parametrize("comparing_s", [0, 120, 1_200])
@pytest.mark.parametrize("traffic", [Traffic(), Traffic(per_s=1), Traffic(median_ms=6_000)])
def test_no_look_worth_judging_is_passed_over(an_hour, traffic, comparing_s):
    """Where a difference that matters is less likely than 1 in 10,000."""
    share = 50 if comparing_s else 25
    strained = Quiet(replace(traffic, celery_slower=1.6, failing=0.03), share, outages=2, comparing_s=comparing_s)
    sides = quiet_rollout._drawn(strained, np.random.default_rng(7))
    found, passed_over, rare = set(quiet_rollout._worth_it(sides, POLICY, comparing_s)), [], 0
    for look in range(120, 720, 11):
        seen, switch = quiet_rollout._seen(sides, strained, look), quiet_rollout._switch(strained, look)
        applied = POLICY.within(switch.phase, age_s(switch, seen))
        chances = [one.chance for one in worse(switch, seen, POLICY) if one.matters(applied)]
        if min(chances, default=1.0) < 1e-4:
            rare += 1
            passed_over += [look] if look not in found else []
    assert passed_over == []
    assert rare > 5 or traffic.per_s == 1


def test_quiet_days_and_a_bad_hour(an_hour, monkeypatch):
    good = judge(Quiet(Traffic(), 25), 12, 1, POLICY)
    assert (good.looks, good.rollbacks) == (12 * 720, 0)
    monkeypatch.setattr(quiet_rollout, "DAY_SLOTS", 60)
    bad = judge(Quiet(Traffic(celery_slower=2.0), 25), 1, 1, POLICY)
    assert bad.rollbacks > 45


def test_comparisons_one_after_another(an_hour):
    alike = Quiet(Traffic(), 50, comparing_s=120)
    good = judge(alike, 12, 1, POLICY)
    assert (good.looks, good.rollbacks) == (12 * 720, 0)
    bad = judge(replace(alike, traffic=Traffic(celery_slower=2.0)), 1, 1, POLICY)
    assert bad.rollbacks > 400, "of 720 looks, each comparison's first ones see too little"


@pytest.mark.parametrize("bad", [Regression(failing=0.10), Regression(slower=2.0)])
@pytest.mark.parametrize("share", [25, 50, 100])
def test_a_regression_is_rolled_back_within_a_minute(share, bad):
    took = sorted(detection_s(Traffic(), Rollout(share, share), bad, [3, share, i], 300) for i in range(10))
    assert took[8] <= 60


def test_a_few_busy_sessions_are_seen_too():
    fifty, bad = Traffic(sessions=50), Regression(failing=0.10)
    took = sorted(detection_s(fifty, Rollout(50, 50), bad, [5, i], 300) for i in range(10))
    assert took[8] <= 60


def test_little_traffic_is_seen_by_all_since_the_share_changed():
    """One question in twenty seconds, a quarter of them by Celery, all of which fail: no ten minutes have twenty."""
    switch = Rollout(25, 25, since_ms=BEGINS_MS)
    took = [detection_s(Traffic(per_s=0.05), switch, Regression(failing=1.0), [7, i], 7_200) for i in range(2)]
    assert max(took) < 7_200


def test_nothing_moves_while_nothing_is_wrong():
    for share in (25, 100):
        assert quiet(Traffic(), Rollout(share=share, target=share), 600, [5, share]) == []


def test_a_return_reaches_its_share_again():
    gone = Rollout(0, 50, Phase.ROLLED_BACK, since_ms=BEGINS_MS, until_ms=BEGINS_MS + 60_000, strikes=1)
    steps = quiet(Traffic(), gone, 1_500, [11])
    assert [step.after.share for step in steps] == [1, 5, 25, 50], "a stage of 1 % takes minutes"
    assert steps[-1].after.phase is Phase.STEADY


def test_a_return_to_a_broken_side_is_short():
    world = World(Traffic(), Rollout(1, 50, Phase.RETURNING, since_ms=BEGINS_MS, strikes=1,
                                       rolled_back_ms=BEGINS_MS - 600_000), [13])
    world.regression = Regression(failing=1.0)
    shares = []
    for _ in range(60):
        world.pass_by(SLOT_MS)
        world.look()
        shares.append(world.switch.share)
    assert max(shares) <= 1
    assert (world.switch.phase, world.switch.strikes) == (Phase.ROLLED_BACK, 2)
