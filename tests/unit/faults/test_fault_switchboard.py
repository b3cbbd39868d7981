"""Which calls are hit: shares that repeat, schedules by the clock, words and headers, and rules in their order."""

import json
import statistics
from collections import Counter

import pytest

from faults.control import RULES
from faults.rules import FaultKind
from faults.switchboard import Call, Switchboard

CALL = Call(health=False, headers={})
HEALTH = Call(health=True, headers={})


class Clock:
    def __init__(self) -> None:
        self.now_s = 1_000.0

    def __call__(self) -> float:
        return self.now_s


def board(*rules, clock=None, agent="nlp") -> Switchboard:
    found = Switchboard(agent, clock or Clock())
    found.put(RULES.validate_python(list(rules)))
    return found


def asking(question: str) -> Call:
    return Call(health=False, headers={}, body=json.dumps({"query": question}).encode())


def hits(found: Switchboard, call: Call, times: int) -> list[bool]:
    return [found.decide(call).rule is not None for _ in range(times)]


def test_without_rules_nothing_happens() -> None:
    decision = board().decide(CALL)
    assert (decision.delay_s, decision.rule, decision.faults) == (0.0, None, ())


@pytest.mark.parametrize("share", [0.01, 0.3, 0.9])
def test_a_share_of_calls(share) -> None:
    drawn = hits(board({"fault": "error", "share": share, "seed": 7}), CALL, 20_000)
    assert abs(statistics.mean(drawn) - share) < 4 * (share * (1 - share) / 20_000) ** 0.5


def test_none_and_all() -> None:
    assert not any(hits(board({"fault": "error", "share": 0}), CALL, 1_000))
    assert all(hits(board({"fault": "error", "share": 1}), CALL, 1_000))


def test_a_seed_repeats_and_another_differs() -> None:
    first, again, other = (
        hits(board({"fault": "error", "share": 0.5, "seed": seed}), CALL, 200) for seed in (1, 1, 2)
    )
    assert first == again != other


def test_rules_and_agents_of_one_seed_do_not_hit_the_same_calls() -> None:
    rule = {"fault": "error", "share": 0.5}
    found = board({"fault": "latency", "delay_s": 1, "share": 0.5}, rule)
    both = Counter(found.decide(CALL).faults for _ in range(4_000))
    assert all(900 < count < 1_100 for count in both.values())
    assert len(both) == 4
    assert hits(board(rule, agent="nlp"), CALL, 100) != hits(board(rule, agent="data"), CALL, 100)


def test_a_call_that_does_not_fit_draws_no_chance() -> None:
    rule = {"fault": "error", "share": 0.5, "contains": "poison"}
    plain, mixed = board(rule), board(rule)
    expected = hits(plain, asking("poison"), 100)
    found = []
    for _ in range(100):
        assert mixed.decide(asking("water")).rule is None
        found.append(mixed.decide(asking("poison")).rule is not None)
    assert found == expected


def test_times_ends_it_and_putting_it_again_begins_anew() -> None:
    found = board({"fault": "error", "times": 2})
    assert hits(found, CALL, 4) == [True, True, False, False]
    found.put(found.rules)
    assert hits(found, CALL, 3) == [True, True, False]


def test_a_schedule_goes_by_the_clock_since_the_rules_were_put() -> None:
    clock = Clock()
    found = board({"fault": "hang", "from_s": 1, "for_s": 2, "every_s": 10}, clock=clock)
    seen = []
    for _ in range(25):
        seen.append(found.decide(CALL).rule is not None)
        clock.now_s += 1
    assert [at for at, hit in enumerate(seen) if hit] == [1, 2, 11, 12, 21, 22]
    found.put(found.rules)
    assert found.decide(CALL).rule is None


def test_health_checks_pass_unless_they_are_meant() -> None:
    kinds = {hit: board({"fault": "error", "hits": hit}) for hit in ("calls", "health", "both")}
    assert {hit: (one.decide(CALL).rule is not None, one.decide(HEALTH).rule is not None)
            for hit, one in kinds.items()} == {"calls": (True, False), "health": (False, True), "both": (True, True)}


@pytest.mark.parametrize(("word", "question", "hit"), [
    ("poison", "some Poison, please", True),
    ("poison", "water", False),
    ("Zürich", "flights to zürich", True),
    ('"JFK"', 'from "jfk"', True),
    ("a\\b", "a\\b", True),
])
def test_a_word_in_the_question_however_json_writes_it(word, question, hit) -> None:
    found = board({"fault": "error", "contains": word})
    assert found.reads_bodies
    assert (found.decide(asking(question)).rule is not None) is hit
    plain = Call(health=False, headers={}, body=json.dumps({"query": question}, ensure_ascii=False).encode())
    assert (found.decide(plain).rule is not None) is hit


def test_bodies_that_no_rule_wants_are_not_read() -> None:
    assert not board({"fault": "error", "headers": {"X-Step": "nlp"}}).reads_bodies


def test_all_headers_asked_for() -> None:
    found = board({"fault": "error", "headers": {"X-Step": "nlp", "X-Attempt": "1"}})
    assert found.decide(Call(False, {"x-step": "nlp", "x-attempt": "1"})).rule
    assert not found.decide(Call(False, {"x-step": "nlp", "x-attempt": "2"})).rule
    assert not found.decide(Call(False, {"x-step": "nlp"})).rule


def test_delays_add_up_and_the_first_other_rule_ends_the_search() -> None:
    found = board({"fault": "latency", "delay_s": 1}, {"fault": "latency", "delay_s": 0.5},
                  {"fault": "error", "contains": "poison"}, {"fault": "hang"}, {"fault": "latency", "delay_s": 100})
    decision = found.decide(CALL)
    assert decision.delay_s == 1.5
    assert decision.faults == (FaultKind.LATENCY, FaultKind.LATENCY, FaultKind.HANG)
    assert found.decide(asking("poison")).faults[-1] is FaultKind.ERROR


def test_uniform_delays_stay_in_their_bounds_and_fill_them() -> None:
    found = board({"fault": "latency", "delay_s": {"low_s": 0.2, "high_s": 0.6}})
    drawn = [found.decide(CALL).delay_s for _ in range(2_000)]
    assert 0.2 <= min(drawn) < 0.21
    assert 0.59 < max(drawn) <= 0.6


def test_lognormal_delays_have_their_median_and_an_end() -> None:
    found = board({"fault": "latency", "delay_s": {"median_s": 0.3, "sigma": 1, "most_s": 2}})
    drawn = [found.decide(CALL).delay_s for _ in range(5_000)]
    assert statistics.median(drawn) == pytest.approx(0.3, rel=0.1)
    assert max(drawn) == 2
    assert statistics.mean(drawn) > 0.4
