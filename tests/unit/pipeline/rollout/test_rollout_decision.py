"""The rollout's decision: what rolls back, what does not, and how it comes back."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.rollout import decision, windows
from pipeline.rollout.comparison import Measure
from pipeline.rollout.policy import Policy
from pipeline.rollout.share import path_at, point_of
from pipeline.rollout.stage import stage_of
from state.model import Path
from state.rollout import Move, Phase, Rollout
from state.sides import DAY_MS, SLOT_MS, Seen, Side, Slot, first_slot_ms, summed

POLICY = Policy()
NOW_MS = 1_800_000_000_000
QUICK, SLOW = 160, 176  # 1 s and 2 s
GOOD = Side(75, 0, 0, {QUICK: 75})


NOTHING = Slot(0, dict.fromkeys(Path, Side()))


def seen(celery, direct=GOOD, *, slots=12, now_ms=NOW_MS):
    """The same in each of the last slots."""
    first = now_ms - slots * SLOT_MS
    sides = {Path.CELERY: celery, Path.DIRECT: direct}
    return Seen(now_ms, [Slot(first + i * SLOT_MS, sides) for i in range(slots)], NOTHING)


def with_stage(now, what, celery=None, direct=None):
    """And all since the share changed: what the slots have, or what is given of before them."""
    first_ms = first_slot_ms(now.since_ms)
    if what.stage is not NOTHING or not first_ms:
        return what
    kept = [slot for slot in what.slots if slot.at_ms >= first_ms]
    older = {Path.CELERY: celery or Side(), Path.DIRECT: direct or Side()}
    stage = {path: summed([older[path], *(slot.sides[path] for slot in kept)]) for path in Path}
    return replace(what, stage=Slot(first_ms, stage))


def decide(now, what, policy):
    return decision.decide(now, with_stage(now, what), policy)


def worse(now, what, policy):
    return windows.worse(now, with_stage(now, what), policy)


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


def answered(number, *, now_ms=NOW_MS, there=None):
    """So many on each side since the stage began, which is longer ago than the slots that are kept."""
    def of(count):
        return Side(count, 0, 0, {QUICK: count})

    here = number if there is None else there
    return Seen(now_ms, [], Slot(now_ms - 100_000, {Path.CELERY: of(number), Path.DIRECT: of(here)}))


def test_the_return_goes_stage_by_stage_to_where_it_was():
    now, shares = decide(Rollout(share=60, target=60), seen(side(failed=10)), POLICY).after, []
    at_ms, told = now.until_ms, answered(0)
    while now.phase is not Phase.STEADY:
        now = decide(now, replace(told, now_ms=at_ms), POLICY).after
        shares.append(now.share)
        assert decide(now, answered(500, now_ms=at_ms + 119_999), POLICY) is None, "not the time"
        assert decide(now, answered(49, now_ms=at_ms + 120_000), POLICY) is None, "not the questions"
        at_ms, told = at_ms + 120_000, answered(50)
    assert shares == [1, 5, 25, 50, 60]
    assert now.target == 60


AT_5 = Rollout(5, 100, Phase.RETURNING, since_ms=NOW_MS - 300_000, strikes=1)


def test_a_stage_needs_its_questions_on_both_sides():
    assert decide(AT_5, answered(50, there=49), POLICY) is None
    assert decide(AT_5, answered(49, there=500), POLICY) is None
    assert decide(AT_5, answered(50, there=50), POLICY).move is Move.ADVANCE


def test_a_stage_is_told():
    stage = stage_of(AT_5, answered(12, there=300), POLICY)
    assert (stage.answered, stage.needed, stage.doubt) == ({Path.CELERY: 12, Path.DIRECT: 300}, 50, "")
    assert stage.ends_ms == AT_5.since_ms + 120_000
    comparing = replace(AT_5, phase=Phase.COMPARING)
    assert stage_of(comparing, answered(12), POLICY).needed == POLICY.asked_at_least
    assert stage_of(replace(AT_5, phase=Phase.STEADY), answered(12), POLICY) is None


def staged(celery, direct, *, age_s=40_000):
    """A stage that has lasted for long, all of it older than the slots that are kept."""
    at_ms = first_slot_ms(NOW_MS - age_s * 1000)
    return Seen(NOW_MS, [], Slot(at_ms, {Path.CELERY: celery, Path.DIRECT: direct}))


SLOWLY = replace(AT_5, since_ms=NOW_MS - 40_000_000)


@pytest.mark.parametrize(("celery", "measure"), [
    (side(50, failed=50), Measure.FAILURES),
    (side(6, failed=6), Measure.FAILURES),  # however few: the test is exact
    (side(40, failed=20), Measure.FAILURES),
    (side(40, degraded=20), Measure.STAND_INS),
    (side(40, slow=25), Measure.LATENCY),
    (side(40, still_open=40), Measure.LATENCY),
])
def test_a_broken_side_does_not_come_back_by_asking_slowly(celery, measure):
    """Nothing within ten minutes, but all of the stage tells."""
    step = decide(SLOWLY, staged(celery, side(800, failed=2)), POLICY)
    assert (step.move, step.measure) == (Move.ROLL_BACK, measure)


def test_a_steady_share_is_judged_by_its_first_questions_as_well():
    steady = replace(SLOWLY, phase=Phase.STEADY)
    assert decide(steady, staged(side(40, failed=20), side(800)), POLICY).move is Move.ROLL_BACK
    assert decide(steady, staged(side(19, failed=19), side(800)), POLICY) is None, "fewer than twenty"
    many = staged(side(501, failed=250), side(8_000))
    assert decide(steady, many, POLICY) is None, "by then the windows see enough of what goes on"


def test_what_a_stage_had_before_the_slots_counts_once():
    """Ten of twenty failed in the slots that are kept, and none of the hundred before them."""
    kept = seen(side(5, failed=2), side(20), slots=5)
    now = replace(AT_5, since_ms=kept.slots[0].at_ms - 50_000)
    what = with_stage(now, kept, side(100), side(400))
    of_stage = [one for one in windows.of_stage(now, what, POLICY) if one.measure is Measure.FAILURES]
    assert [(one.bad, one.asked, one.bad_there, one.asked_there) for one in of_stage] == [(10, 125, 0, 500)]


def test_a_stage_in_which_nobody_asks_ends_but_not_the_last_one():
    nobody = staged(Side(), side(800))
    begun = replace(AT_5, since_ms=NOW_MS - 3_600_000)
    step = decide(begun, nobody, POLICY)
    assert (step.move, step.after.share) == (Move.ADVANCE, 25)
    assert "Nobody asked by Celery at 5 %" in step.after.reason
    assert decide(replace(begun, since_ms=begun.since_ms + 1), nobody, POLICY) is None
    assert decide(begun, staged(side(1), side(800)), POLICY) is None, "somebody is there: wait for more"
    assert decide(replace(begun, share=50), nobody, POLICY) is None, "100 % is not reached without a comparison"
    tomorrow = replace(nobody, stage=replace(nobody.stage, at_ms=begun.since_ms + DAY_MS))
    assert decide(begun, tomorrow, POLICY) is None, "who asked the day before is not known"


def test_a_return_goes_no_further_than_it_was():
    gone = Rollout(0, 0.5, Phase.ROLLED_BACK, until_ms=NOW_MS, strikes=1)
    assert decide(gone, seen(side()), POLICY).after.share == 0.5


@pytest.mark.parametrize(("celery", "doubtful"), [
    (side(60, failed=4), True), (side(60, failed=3), True), (side(60, failed=2), False), (side(60, slow=5), True)])
def test_no_next_stage_in_doubt(celery, doubtful):
    what = staged(celery, side(3_000, failed=3))
    step = decide(SLOWLY, what, POLICY)
    assert (step is None) is doubtful
    assert bool(stage_of(SLOWLY, what, POLICY).doubt) is doubtful


def test_a_return_that_fails_waits_longer():
    returning = Rollout(25, 100, Phase.RETURNING, since_ms=NOW_MS - 300_000, strikes=1, rolled_back_ms=NOW_MS - 900_000)
    after = decide(returning, seen(side(failed=10)), POLICY).after
    assert (after.strikes, after.until_ms, after.target) == (2, NOW_MS + 1_200_000, 100)


ALONE = Side(0)


@pytest.mark.parametrize("celery", [side(100, failed=8), side(100, slow=30), side(100, still_open=40)])
def test_without_a_direct_side_suspicion_leads_to_a_comparison(celery):
    everything = Rollout()
    usual, now = seen(side(100), ALONE, slots=120).slots[:108], seen(celery, ALONE, slots=120).slots[108:]
    suspicious = Seen(NOW_MS, [*usual, *now], NOTHING)
    assert decide(everything, seen(side(100), ALONE, slots=120), POLICY) is None
    step = decide(everything, suspicious, POLICY)
    assert (step.move, step.after.share, step.after.target) == (Move.COMPARE, 50, 100)
    later = replace(step.after, since_ms=NOW_MS - 61_000)
    assert decide(later, seen(side(50, failed=10), side(50, failed=10)), POLICY) is None, "the agents' fault"
    back = decide(replace(later, since_ms=NOW_MS - 120_000), seen(side(50), side(50)), POLICY)
    assert (back.move, back.after.share, back.after.phase) == (Move.COMPARED, 100, Phase.STEADY)
    again = Seen(NOW_MS, suspicious.slots, NOTHING)
    assert decide(replace(back.after, since_ms=0), again, POLICY) is None, "not again so soon"
    assert decide(later, seen(side(50, failed=20), side(50)), POLICY).after.target == 100


def test_failures_from_the_start_are_suspicious_but_not_a_handful():
    assert decide(Rollout(), seen(side(100, failed=8), ALONE), POLICY).move is Move.COMPARE, "8 %, as before"
    assert decide(Rollout(), seen(side(100, failed=4), ALONE), POLICY) is None, "4 %, as before"
    assert decide(Rollout(), seen(side(4, failed=4), ALONE, slots=1), POLICY) is None, "4 questions"


def test_suspicion_tells_what_it_compared():
    usual, bad = seen(side(100), ALONE, slots=60).slots[:56], seen(side(100, failed=4), ALONE, slots=4).slots
    reason = decide(Rollout(), Seen(NOW_MS, [*usual, *bad], NOTHING), POLICY).after.reason
    assert reason.startswith("16 of 400 questions by Celery (4.0%) failed, and 0 of 5600 by Celery earlier (0.0%)")


def test_suspicion_needs_one_bad_slot():
    """A minute would thin it out: the comparison is what takes the time there is."""
    usual, bad = seen(side(100), ALONE, slots=60).slots[:59], seen(side(100, failed=9), ALONE, slots=1).slots
    assert decide(Rollout(), Seen(NOW_MS, [*usual, *bad], NOTHING), POLICY).move is Move.COMPARE


@pytest.mark.parametrize(("failed", "after_s", "again"), [
    (5, 600, True), (5, 599, False), (9, 240, True), (9, 239, False),
])
def test_only_what_is_beyond_chance_is_compared_again_soon(failed, after_s, again):
    """5 of 200, and none of 5,800 before, are 4 in 10^8; 9 of 200 are beyond chance."""
    usual, bad = seen(side(100), ALONE, slots=60).slots[:59], seen(side(100, failed=failed), ALONE, slots=1).slots
    now = Seen(NOW_MS, [*usual, *bad], NOTHING)
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
    assert looks_a_year * POLICY.within(Phase.COMPARING, 120).significance < 0.2


COMPARING = Rollout(50, 100, Phase.COMPARING, since_ms=NOW_MS - 130_000, compared_ms=NOW_MS - 130_000)


def compared(celery, direct, age_s):
    now = replace(COMPARING, since_ms=NOW_MS - age_s * 1000, compared_ms=NOW_MS - age_s * 1000)
    return decide(now, staged(celery, direct, age_s=age_s), POLICY)


def test_a_comparison_goes_on_while_it_is_not_decided():
    doubtful, few = (side(60, failed=10), side(60)), (side(19), side(300))
    for undecided, told in ((doubtful, "10 of 60 questions by Celery"), (few, "19 questions by Celery, 300 direct.")):
        assert compared(*undecided, 120) is None
        assert compared(*undecided, 1_199) is None
        step = compared(*undecided, 1_200)
        assert (step.move, step.after.share, step.after.phase) == (Move.COMPARED, 100, Phase.STEADY)
        assert step.after.reason.startswith(f"Not decided within 20 min: {told}")
        assert step.after.compared_ms == NOW_MS - 120_000, "not straight into the next one"
    assert compared(side(20), side(300), 119) is None
    assert compared(side(20), side(300), 120).after.reason == decision.NO_WORSE


def test_a_longer_comparison_must_be_as_sure_as_any_look():
    between = side(60, failed=21), side(60)
    (failures, *_) = windows.of_stage(COMPARING, staged(*between, age_s=120), POLICY)
    assert POLICY.significance < failures.chance < 15 * POLICY.significance
    assert compared(*between, 120).move is Move.ROLL_BACK
    assert compared(*between, 121) is None


def test_little_traffic_at_a_full_share_is_suspected_within_ten_minutes():
    """One question in half a minute, all of which fail: no minute has twenty."""
    rarely = [Slot(NOW_MS - (120 - i) * SLOT_MS, {Path.CELERY: side(1, failed=1) if i % 6 == 0 else Side(),
                                                  Path.DIRECT: Side()}) for i in range(120)]
    step = decide(Rollout(), Seen(NOW_MS, rarely, NOTHING), POLICY)
    assert (step.move, step.after.reason) == (Move.COMPARE, "20 of 20 questions by Celery failed within 600 s.")
    assert decide(Rollout(), Seen(NOW_MS, rarely[96:], NOTHING), POLICY) is None, "four questions"


def test_what_was_before_a_comparison_is_what_the_next_suspicion_compares_with():
    usual, slow = seen(side(100), ALONE, slots=60).slots[:56], seen(side(100, slow=30), ALONE, slots=4).slots
    now = Seen(NOW_MS, [*usual, *slow], NOTHING)
    just_over = Rollout(since_ms=NOW_MS - 25_000, compared_ms=NOW_MS - 700_000)
    assert decide(just_over, now, POLICY).move is Move.COMPARE
    assert decide(replace(just_over, since_ms=NOW_MS - 2_000), now, POLICY) is None, "what led to it leads to no next"


# --- one session ------------------------------------------------------------------------------------------------------


def of_sessions(*parts):
    """A side of sessions in groups of their own."""
    return replace(summed(parts), groups=dict(enumerate(parts)))


HOSTILE = side(60, failed=60)
FINE = [side(10) for _ in range(12)]


def test_one_session_rolls_nothing_back_and_holds_up_no_return():
    one = of_sessions(HOSTILE, *FINE)
    assert decide(AT_25, seen(replace(one, groups={})), POLICY).move is Move.ROLL_BACK, "as one"
    assert decide(AT_25, seen(one), POLICY) is None
    assert decide(SLOWLY, staged(one, side(3_000)), POLICY).move is Move.ADVANCE
    assert compared(one, side(300), 120).after.reason == decision.NO_WORSE
    assert decide(Rollout(), seen(one, ALONE), POLICY) is None


@pytest.mark.parametrize("spoilt", [{"slow": 60}, {"degraded": 60}, {"still_open": 60}])
def test_nor_does_it_by_slow_questions_and_stand_ins(spoilt):
    one = of_sessions(side(60, **spoilt), *FINE)
    assert decide(AT_25, seen(one), POLICY) is None
    assert decide(AT_25, seen(replace(one, groups={})), POLICY).move is Move.ROLL_BACK


@pytest.mark.parametrize("spoilt", [{"failed": 3}, {"degraded": 3}, {"slow": 4}])
def test_a_few_busy_sessions_are_enough(spoilt):
    """Five of them, one question a second each: nothing is left out but one."""
    assert decide(AT_25, seen(of_sessions(*[side(5, **spoilt)] * 5)), POLICY).move is Move.ROLL_BACK


def test_who_is_alone_on_celery_is_no_proof_but_a_doubt():
    alone = of_sessions(side(60, failed=60))
    assert decide(AT_25, seen(alone), POLICY) is None
    assert decide(SLOWLY, staged(alone, side(3_000)), POLICY) is None
    assert stage_of(SLOWLY, staged(alone, side(3_000)), POLICY).doubt


# --- the clock --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("phase", Phase)
def test_a_clock_that_was_set_back_blinds_nothing(phase):
    later = NOW_MS + 3_600_000
    now = Rollout(25, 25, phase, later, later + 600_000 if phase is Phase.ROLLED_BACK else 0, 2, later - 5, later - 7)
    step = decision.decide(now, seen(side(failed=10)), POLICY)
    after = step.after
    assert (step.move, after.phase, after.share, after.since_ms) == (Move.CLOCK, phase, now.share, NOW_MS)
    assert (after.rolled_back_ms, after.compared_ms) == (NOW_MS, NOW_MS)
    assert after.until_ms == (NOW_MS + 1_200_000 if phase is Phase.ROLLED_BACK else 0), "its whole cool-down"
    a_minute_on = seen(side(failed=10), slots=10, now_ms=NOW_MS + 60_000)
    if phase is not Phase.ROLLED_BACK:
        assert decide(after, a_minute_on, POLICY).move is Move.ROLL_BACK


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
    compared_ms=st.sampled_from([0, NOW_MS - 1000]))


@settings(max_examples=200, deadline=None)
@given(switches, sides, sides)
def test_whatever_is_seen(now, celery, direct):
    what = with_stage(now, seen(celery, direct))
    step = decide(now, what, POLICY)
    if step is None:
        return
    after = step.after
    assert 0 <= after.share <= max(now.share, now.target, 50)
    if now.phase is Phase.ROLLED_BACK:
        assert step.move is Move.RETURN
        assert now.until_ms <= NOW_MS, "in a cool-down"
    if step.move in (Move.ADVANCE, Move.ARRIVE):
        ended = {path: of.answered + of.failed for path, of in what.stage.sides.items()}
        assert min(ended.values()) >= POLICY.stage_asked
        assert stage_of(now, what, POLICY).doubt == ""
        assert NOW_MS - now.since_ms >= POLICY.stage_s * 1000
    if step.move is Move.ROLL_BACK:
        least = POLICY.within(now.phase, 0).asked_at_least
        assert min(celery.asked, direct.asked) * 12 >= least
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
