"""The rollout's decision: what rolls back, what does not, and how it comes back."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.rollout.comparison import Measure
from pipeline.rollout.decision import decide, worse
from pipeline.rollout.policy import Policy
from pipeline.rollout.share import path_at, point_of
from state.model import Path
from state.rollout import Move, Phase, Rollout
from state.sides import SLOT_MS, Seen, Side, Slot

POLICY = Policy()
NOW_MS = 1_800_000_000_000
QUICK, SLOW = 160, 176  # 1 s and 2 s
GOOD = Side(75, 0, 0, {QUICK: 75})


def seen(celery, direct=GOOD, *, slots=12, ended=0, now_ms=NOW_MS):
    """The same in each of the last slots."""
    first = now_ms - slots * SLOT_MS
    sides = {Path.CELERY: celery, Path.DIRECT: direct}
    return Seen(now_ms, [Slot(first + i * SLOT_MS, sides) for i in range(slots)], {Path.CELERY: ended, Path.DIRECT: 0})


def side(asked=25, failed=0, degraded=0, slow=0, still_open=0):
    return Side(asked, failed, degraded, {QUICK: asked - failed - slow - still_open, SLOW: slow})


AT_25 = Rollout(share=25, target=25)


@pytest.mark.parametrize(("celery", "measure"), [
    (side(failed=4), Measure.FAILURES),
    (side(degraded=5), Measure.STAND_INS),
    (side(slow=25), Measure.LATENCY),
    (side(slow=8), Measure.LATENCY),
    (side(still_open=25), Measure.LATENCY),
])
def test_clearly_worse_is_rolled_back(celery, measure):
    step = decide(AT_25, seen(celery), POLICY)
    assert (step.move, step.measure) == (Move.ROLL_BACK, measure)
    after = step.after
    assert (after.share, after.target, after.phase, after.strikes) == (0, 25, Phase.ROLLED_BACK, 1)
    assert after.until_ms == NOW_MS + POLICY.cool_down_s * 1000
    assert f"of {step.after.reason.split()[2]} questions by Celery" in after.reason


@pytest.mark.parametrize(("celery", "direct"), [
    (side(), GOOD),
    (side(failed=4), Side(75, 12, 0, {QUICK: 63})),  # an agent's outage is on both sides
    (side(slow=25), Side(75, 0, 0, {SLOW: 75})),
    (side(failed=1), Side(75, 2, 0, {QUICK: 73})),
    (Side(25, 0, 0, {QUICK + 3: 25}), GOOD),  # 14 % slower
    (Side(0), GOOD),
    (side(failed=4), Side(0)),
    (side(failed=4), Side(1, 0, 0, {QUICK: 1})),
])
def test_alike_or_too_few_stays(celery, direct):
    assert decide(AT_25, seen(celery, direct), POLICY) is None


def test_latency_must_be_surer():
    assert decide(AT_25, seen(side(slow=3), slots=6), POLICY) is None, "15 of 125, and none of 375: 5 in 10^10"
    assert decide(AT_25, seen(side(slow=3), slots=7), POLICY).measure is Measure.LATENCY, "7 in 10^12"


def test_a_dead_side_is_seen_before_its_deadline():
    """Nothing ends, so nothing has failed."""
    assert decide(AT_25, seen(side(asked=20, still_open=20), slots=4), POLICY).measure is Measure.LATENCY


def test_what_was_asked_before_the_share_changed_does_not_count():
    bad = seen(side(failed=10))
    assert decide(replace(AT_25, since_ms=NOW_MS - 3_000), bad, POLICY) is None
    assert decide(replace(AT_25, since_ms=NOW_MS - 45_000), bad, POLICY).move is Move.ROLL_BACK


@pytest.mark.parametrize(("before_slot_ms", "counts"), [(1_000, True), (999, False), (0, False), (-2_000, False)])
def test_a_slot_counts_when_every_process_has_had_the_share_for_all_of_it(before_slot_ms, counts):
    (slot,) = (bad := seen(side(failed=25), slots=1)).slots
    assert bool(decide(replace(AT_25, since_ms=slot.at_ms - before_slot_ms), bad, POLICY)) is counts


def test_cool_downs_double_up_to_a_day_and_are_forgiven():
    now, waits = AT_25, []
    for _ in range(10):
        now = decide(replace(now, share=25.0, phase=Phase.STEADY), seen(side(failed=10)), POLICY).after
        waits.append((now.until_ms - NOW_MS) / 1000)
        now = replace(now, since_ms=0)
    assert waits == [600, 1200, 2400, 4800, 9600, 19200, 38400, 76800, 86400, 86400]
    long_ago = replace(AT_25, strikes=5, rolled_back_ms=NOW_MS - ((9600 + 86_400) * 1000))
    assert decide(long_ago, seen(side(failed=10)), POLICY).after.strikes == 1
    lately = replace(long_ago, rolled_back_ms=long_ago.rolled_back_ms + 1)
    assert decide(lately, seen(side(failed=10)), POLICY).after.strikes == 6


def test_the_return_goes_stage_by_stage_to_where_it_was():
    now, at_ms, ended, shares = decide(Rollout(share=60, target=60), seen(side(failed=10)), POLICY).after, NOW_MS, 0, []
    at_ms = now.until_ms
    while now.phase is not Phase.STEADY:
        step = decide(now, seen(side(), now_ms=at_ms, ended=ended), POLICY)
        now = step.after
        shares.append(now.share)
        assert decide(now, seen(side(), now_ms=at_ms, ended=ended + 49), POLICY) is None, "neither time nor questions"
        at_ms, ended = at_ms + 120_000, ended + 50
    assert shares == [1, 5, 25, 50, 60]
    assert now.target == 60


def test_a_stage_counts_its_own_questions():
    returning = Rollout(5, 100, Phase.RETURNING, since_ms=NOW_MS - 300_000, strikes=1, mark=1_000)
    assert decide(returning, seen(side(), ended=1_049), POLICY) is None
    assert decide(returning, seen(side(), ended=1_050), POLICY).after.mark == 1_050


def test_a_return_goes_no_further_than_it_was():
    gone = Rollout(0, 0.5, Phase.ROLLED_BACK, until_ms=NOW_MS, strikes=1)
    assert decide(gone, seen(side()), POLICY).after.share == 0.5


def test_no_next_stage_in_doubt():
    returning = Rollout(5, 100, Phase.RETURNING, since_ms=NOW_MS - 300_000, strikes=1)
    doubtful = seen(Side(5, 1, 0, {QUICK: 4}), Side(95, 2, 0, {QUICK: 93}), ended=500)
    assert decide(returning, doubtful, POLICY) is None
    assert decide(returning, seen(Side(5, 0, 0, {QUICK: 5}), ended=500), POLICY).move is Move.ADVANCE


def test_a_return_that_fails_waits_longer():
    returning = Rollout(25, 100, Phase.RETURNING, since_ms=NOW_MS - 300_000, strikes=1, rolled_back_ms=NOW_MS - 900_000)
    after = decide(returning, seen(side(failed=10)), POLICY).after
    assert (after.strikes, after.until_ms, after.target) == (2, NOW_MS + 1_200_000, 100)


ALONE = Side(0)


@pytest.mark.parametrize("celery", [side(100, failed=8), side(100, slow=30), side(100, still_open=40)])
def test_without_a_direct_side_suspicion_leads_to_a_comparison(celery):
    everything = Rollout()
    usual, now = seen(side(100), ALONE, slots=120).slots[:108], seen(celery, ALONE, slots=120).slots[108:]
    suspicious = Seen(NOW_MS, [*usual, *now], dict.fromkeys(Path, 0))
    assert decide(everything, seen(side(100), ALONE, slots=120), POLICY) is None
    step = decide(everything, suspicious, POLICY)
    assert (step.move, step.after.share, step.after.target) == (Move.COMPARE, 50, 100)
    later = replace(step.after, since_ms=NOW_MS - 60_000)
    assert decide(later, seen(side(50, failed=10), side(50, failed=10)), POLICY) is None, "the agents' fault"
    back = decide(replace(later, since_ms=NOW_MS - 120_000), seen(side(50), side(50)), POLICY)
    assert (back.move, back.after.share, back.after.phase) == (Move.COMPARED, 100, Phase.STEADY)
    again = Seen(NOW_MS, suspicious.slots, suspicious.ended)
    assert decide(replace(back.after, since_ms=0), again, POLICY) is None, "not again so soon"
    assert decide(later, seen(side(50, failed=20), side(50)), POLICY).after.target == 100


def test_failures_from_the_start_are_suspicious_but_not_a_handful():
    assert decide(Rollout(), seen(side(100, failed=8), ALONE), POLICY).move is Move.COMPARE, "8 %, as before"
    assert decide(Rollout(), seen(side(100, failed=4), ALONE), POLICY) is None, "4 %, as before"
    assert decide(Rollout(), seen(side(6, failed=6), ALONE, slots=1), POLICY) is None, "6 questions"


def test_suspicion_tells_what_it_compared():
    usual, bad = seen(side(100), ALONE, slots=60).slots[:56], seen(side(100, failed=4), ALONE, slots=4).slots
    reason = decide(Rollout(), Seen(NOW_MS, [*usual, *bad], dict.fromkeys(Path, 0)), POLICY).after.reason
    assert reason.startswith("16 of 400 questions by Celery (4.0%) failed, and 0 of 5600 by Celery earlier (0.0%)")


def test_suspicion_needs_one_bad_slot():
    """A minute would thin it out: the comparison is what takes the time there is."""
    usual, bad = seen(side(100), ALONE, slots=60).slots[:59], seen(side(100, failed=9), ALONE, slots=1).slots
    assert decide(Rollout(), Seen(NOW_MS, [*usual, *bad], dict.fromkeys(Path, 0)), POLICY).move is Move.COMPARE


@pytest.mark.parametrize(("failed", "after_s", "again"), [
    (5, 600, True), (5, 599, False), (9, 240, True), (9, 239, False),
])
def test_only_what_is_beyond_chance_is_compared_again_soon(failed, after_s, again):
    """5 of 200, and none of 5,800 before, are 4 in 10^8; 9 of 200 are beyond chance."""
    usual, bad = seen(side(100), ALONE, slots=60).slots[:59], seen(side(100, failed=failed), ALONE, slots=1).slots
    now = Seen(NOW_MS, [*usual, *bad], dict.fromkeys(Path, 0))
    step = decide(Rollout(compared_ms=NOW_MS - after_s * 1000), now, POLICY)
    assert (step is not None) is again


def test_a_comparison_may_be_less_sure_since_there_are_few():
    steady = Rollout(share=50, target=100, since_ms=NOW_MS - 61_000)
    doubtful = seen(side(40, failed=2), side(40))
    assert decide(steady, doubtful, POLICY) is None, "1 in 2 * 10^7"
    comparing = replace(steady, phase=Phase.COMPARING, compared_ms=steady.since_ms)
    assert decide(comparing, doubtful, POLICY).move is Move.ROLL_BACK
    failures = [one for one in worse(comparing, doubtful, POLICY) if one.measure is Measure.FAILURES]
    assert [one.asked for one in failures] == [480], "one window: all since it began"
    looks_a_year = 365 * 86_400 / POLICY.compare_again_s * POLICY.compare_s * 1000 / SLOT_MS
    assert looks_a_year * POLICY.comparing.significance < 0.2


# --- properties -------------------------------------------------------------------------------------------------------

counts = st.integers(0, 60)
sides = st.builds(
    lambda quick, slow, failed, degraded, waiting: Side(
        quick + slow + failed + waiting, failed, min(degraded, quick), {QUICK: quick, SLOW: slow}),
    counts, counts, counts, counts, counts)
switches = st.builds(
    Rollout, share=st.sampled_from([0.0, 1.0, 5.0, 25.0, 50.0, 100.0]), target=st.sampled_from([25.0, 100.0]),
    phase=st.sampled_from(Phase), since_ms=st.integers(0, 700_000).map(lambda ago: NOW_MS - ago),
    until_ms=st.integers(-1000, 1000).map(lambda ms: NOW_MS + ms), strikes=st.integers(0, 20),
    compared_ms=st.sampled_from([0, NOW_MS - 1000]), mark=st.integers(0, 100))


@settings(max_examples=200, deadline=None)
@given(switches, sides, sides, st.integers(0, 200))
def test_whatever_is_seen(now, celery, direct, ended):
    step = decide(now, seen(celery, direct, ended=ended), POLICY)
    if step is None:
        return
    after = step.after
    assert 0 <= after.share <= max(now.share, now.target, 50)
    if now.phase is Phase.ROLLED_BACK:
        assert step.move is Move.RETURN
        assert now.until_ms <= NOW_MS, "in a cool-down"
    if step.move in (Move.ADVANCE, Move.ARRIVE):
        assert ended - now.mark >= POLICY.stage_asked
        assert NOW_MS - now.since_ms >= POLICY.stage_s * 1000
    if step.move is Move.ROLL_BACK:
        assert min(celery.asked, direct.asked) * 12 >= POLICY.asked_at_least
        assert after.until_ms > NOW_MS
        assert decide(after, seen(celery, direct), POLICY) is None, "no change follows at once"


@settings(max_examples=200, deadline=None)
@given(sides, sides, st.integers(1, 20))
def test_worse_figures_never_turn_a_rollback_into_a_stay(celery, direct, more):
    step = decide(AT_25, seen(celery, direct), POLICY)
    if step is None or step.move is not Move.ROLL_BACK:
        return
    quick = min(more, celery.times[QUICK])
    times = {QUICK: celery.times[QUICK] - quick, SLOW: celery.times[SLOW]}
    failing = Side(celery.asked, celery.failed + quick, celery.degraded, times)
    if step.measure is not Measure.LATENCY:  # a question that failed is not slow as well
        assert decide(AT_25, seen(failing, direct), POLICY).move is Move.ROLL_BACK
    slower = Side(celery.asked, celery.failed, celery.degraded, {**times, SLOW: celery.times[SLOW] + quick})
    assert decide(AT_25, seen(slower, direct), POLICY).move is Move.ROLL_BACK


def test_windows_tell_how_long_they_are():
    found = list(worse(replace(AT_25, since_ms=NOW_MS - 41_000), seen(side(), slots=120), POLICY))
    assert {one.window_s for one in found} == {30, 40}


# --- who is on which side ---------------------------------------------------------------------------------------------


def test_who_is_on_celery_stays_there_while_the_share_grows():
    sessions = [f"session-{i}" for i in range(20_000)]
    before = set()
    for share in (0, 1, 5, 25, 50, 100):
        on_celery = {one for one in sessions if path_at(share, one, "") is Path.CELERY}
        assert before <= on_celery
        assert len(on_celery) / len(sessions) == pytest.approx(share / 100, abs=0.015)
        before = on_celery


def test_a_share_of_nothing_is_nobody():
    first = next(name for i in range(1_000_000) if point_of(name := f"session-{i}", "") == 0)
    assert [path_at(share, first, "") for share in (0, 0.01)] == [Path.DIRECT, Path.CELERY]


def test_a_session_is_on_one_side_and_questions_without_one_are_spread():
    assert {path_at(50, "ann", f"w{i}") for i in range(50)} == {path_at(50, "ann", "")}
    assert {path_at(50, "", f"w{i}") for i in range(50)} == set(Path)
    assert 0 <= point_of("\ud800", "") < 100
