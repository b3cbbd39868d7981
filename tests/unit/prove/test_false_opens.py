"""False opens: skipping gives what every single call gives, and both give what the maths expects."""

from itertools import pairwise
from random import Random

import pytest

from breakers.circuit import Circuit
from breakers.model import Outcome, Verdict, Why
from breakers.settings import BreakerSettings
from prove.false_opens import default_numbers, false_opens
from prove.markov import calls_to_open, expect
from prove.proof import Run
from prove.traffic import START_US, Play, Seen, Traffic, failures, opening_from

SECOND_US = 1_000_000
SINGLE = Traffic(3_000)
BURSTS = Traffic(3_000, 70, 7 * SECOND_US)
CHECKED = Traffic(3_000, 70, 7 * SECOND_US, 5 * SECOND_US)
WIDE_APART = Traffic(3_000, 400, 200 * SECOND_US, 5 * SECOND_US)
ALL_AT_ONCE = Traffic(3_000, 4_000, SECOND_US)
DATA = default_numbers("data")
SETTINGS = [default_numbers("nlp"), DATA, DATA.model_copy(update={"first_open_s": 2.0}),
            BreakerSettings(threshold=1, recovery_s=0.05)]


def call_by_call(settings, traffic, failing, bad_checks):
    """Every call and every check asks and reports, whatever the breaker's state."""
    circuit, fails, bad = Circuit(settings), set(failing), set(bad_checks)
    circuit.look(START_US)
    moments = [(traffic.at_us(call), 0, call) for call in range(0, traffic.calls, traffic.size)]
    moments += [(traffic.check_at_us(check), 1, check) for check in range(traffic.checks)]
    refused = set()
    for now_us, is_check, number in sorted(moments):
        if is_check:
            tell(circuit, now_us, [(number, circuit.probe(now_us, "check"), "check")], bad)
            continue
        asked = [(call, circuit.ask(now_us, str(call)), str(call))
                 for call in range(number, min(traffic.calls, number + traffic.size))]
        refused |= {call for call, answer, _ in asked if answer.verdict is Verdict.REFUSED}
        tell(circuit, now_us, asked, fails)
    return Seen(len(refused), len(refused - fails), traffic.calls - len(fails), circuit.history.count(Why.FAILURES),
                circuit.history.count(Why.PROBE_FAILED))


def tell(circuit, now_us, asked, fails):
    for number, answer, token in asked:
        if answer.verdict is not Verdict.REFUSED:
            outcome = Outcome.FAILURE if number in fails else Outcome.SUCCESS
            circuit.report(now_us, answer.view.generation, token if answer.verdict is Verdict.PROBE else "", outcome)


@pytest.mark.parametrize("traffic", [SINGLE, BURSTS, CHECKED, WIDE_APART, ALL_AT_ONCE])
@pytest.mark.parametrize("rate", [0.02, 0.1, 0.4])
def test_skipping_what_changes_nothing_is_exact(traffic, rate):
    opened = reopened = 0
    for number, settings in enumerate(SETTINGS):
        random = Random(f"{number} {rate}")
        failing = failures(random, traffic.calls, rate)
        bad_checks = failures(random, traffic.checks, rate)
        seen = Play(settings, traffic, failing, bad_checks).run()
        assert seen == call_by_call(settings, traffic, failing, bad_checks)
        opened, reopened = opened + seen.opened, reopened + seen.reopened
    assert opened > 0  # or there was nothing to compare
    assert reopened > 0 or rate < 0.1 or traffic is ALL_AT_ONCE


def test_each_call_fails_with_the_same_chance():
    failing = failures(Random(7), 1_000_000, 0.05)
    assert failing == sorted(set(failing))
    assert failing[0] >= 0
    assert failing[-1] < 1_000_000
    assert abs(len(failing) - 50_000) < 5 * (1_000_000 * 0.05 * 0.95) ** 0.5
    behind = sum(call + 1 == after for call, after in pairwise(failing))
    assert abs(behind - 2_500) < 5 * 2_500 ** 0.5


@pytest.mark.parametrize(("failing", "found"), [
    ([3, 4, 5], (3, 5)),
    ([0, 3, 4, 5], (3, 5)),  # two successes after 0 heal it
    ([0, 2, 3, 4], (0, 4)),  # one does not
    ([0, 2, 5, 7], None),
    ([4, 5, 8, 9], (4, 9)),  # 2, 1, 3
])
def test_the_busy_period_that_opens(failing, found):
    assert opening_from(failing, 0, 3) == found


def test_a_busy_period_begins_with_the_first_call_that_is_looked_at():
    assert opening_from([3, 4, 5, 6], 4, 3) == (4, 6)
    assert opening_from([3, 4, 5, 6], 5, 3) is None


# Threshold 1 waits for one failure; with 2, two in a row, or again and again after one healed half.
@pytest.mark.parametrize(("threshold", "rate", "calls"), [(1, 0.01, 100), (2, 0.5, 5.6)])
def test_the_expected_calls_to_open(threshold, rate, calls):
    assert calls_to_open(threshold, rate) == pytest.approx(calls)


def test_the_expected_calls_to_open_are_what_is_played():
    settings, random = BreakerSettings(threshold=3, recovery_s=1), Random(3)
    waits = [opening_from(failures(random, 5_000, 0.2), 0, settings.threshold)[1] + 1 for _ in range(2_000)]
    expected = calls_to_open(3, 0.2)
    assert abs(sum(waits) / len(waits) - expected) < 5 * expected / len(waits) ** 0.5


@pytest.mark.parametrize("traffic", [SINGLE, BURSTS, CHECKED, WIDE_APART])
@pytest.mark.parametrize("settings", SETTINGS[1:3])
def test_the_expectation_is_what_is_played(traffic, settings):
    rate, runs = 0.1, 400
    seen = []
    for number in range(runs):
        random = Random(number)
        seen.append(Play(settings, traffic, failures(random, traffic.calls, rate),
                         failures(random, traffic.checks, rate)).run())
    expected = expect(settings, traffic, rate)
    shares = [one.refused / traffic.calls for one in seen]
    mean = sum(shares) / runs
    error = (sum((share - mean) ** 2 for share in shares) / (runs - 1) / runs) ** 0.5
    assert abs(mean - expected.share_refused) < 4 * error + 1e-6
    opened = sum(one.opened for one in seen)
    assert abs(opened - runs * expected.opened) < 4 * (runs * expected.opened) ** 0.5


def test_the_proof_tells_what_was_promised_and_what_is_only_reported(tmp_path, monkeypatch):
    monkeypatch.setattr("prove.false_opens.CALLS", SINGLE.calls)
    monkeypatch.setattr("prove.false_opens.ARRIVALS", {"one": SINGLE, "many": BURSTS, "checked": CHECKED})
    result = false_opens(Run(1, 0.001, tmp_path, lambda _: None), agent="data", bound_percent=1.0)
    gates = [figure.name for figure in result.figures if figure.kind == "gate"]
    assert [name.partition(",")[0] for name in gates] == [
        *["healthy calls refused at 1 % errors"] * 3, *["the same"] * 3, "opens off the expected ones"]
    assert len(result.figures) == 16
    assert [case["errors_percent"] for case in result.details["cases"][::3]] == [0.5, 1.0, 2.0, 5.0]
