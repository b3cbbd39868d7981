"""The checker of histories: it passes legal ones, and it can fail, rule by rule."""

import pytest

from state.events import Event, EventKind
from tests.chaos.history import violations

PLAN: dict[str, tuple[str, ...]] = {"nlp": (), "data": ("nlp",)}


def history(*lines: tuple[object, ...]) -> list[Event]:
    """Events from (kind, step, status, data) lines, one millisecond apart."""
    return [Event(f"{at}-0", EventKind(str(line[0])), str(line[1]), str(line[2]) if len(line) > 2 else "", at,
                  dict(line[3]) if len(line) > 3 else {})  # type: ignore[call-overload]
            for at, line in enumerate(lines, start=1)]


def begun(step: str, attempt: int = 1, fence: int = 1) -> tuple[object, ...]:
    return ("begun", step, "RUNNING", {"attempt": attempt, "fence": fence})


def succeeded(step: str, attempt: int = 1, status: str = "SUCCEEDED") -> tuple[object, ...]:
    return ("succeeded", step, status, {"attempt": attempt})


def failed(step: str, attempt: int = 1) -> tuple[object, ...]:
    return ("failed", step, "FAILED", {"attempt": attempt})


def retrying(step: str, attempt: int = 1, called: str = "yes") -> tuple[object, ...]:
    return ("retrying", step, "RETRYING", {"attempt": attempt, "called": called})


def taken_over(step: str, takeovers: int) -> tuple[object, ...]:
    return ("taken_over", step, "QUEUED", {"takeovers": takeovers})


def resent(step: str, send: int) -> tuple[object, ...]:
    return ("resent", step, "QUEUED", {"send": send})


def reset(round_: int, first: str = "") -> tuple[object, ...]:
    return ("reset", "", "QUEUED", {"round": round_, "from": first})


ACCEPTED = ("accepted", "")
NLP = (ACCEPTED, begun("nlp"), succeeded("nlp"))
DATA = (begun("data"), succeeded("data"))
ENDED = ("ended", "", "SUCCEEDED")
FAILED = ("ended", "", "FAILED")
SKIPPED = ("skipped", "data", "SKIPPED")
CANCEL = (("cancel_requested", ""), ("ended", "", "CANCELLED"))
PAUSED = ("paused", "", "PAUSED")
RESUMED = ("resumed", "", "RUNNING")

LEGAL = {
    "plain": ([*NLP, *DATA, ENDED], "SUCCEEDED"),
    "a retry": ([ACCEPTED, begun("nlp"), retrying("nlp"), begun("nlp", 2, 2), succeeded("nlp", 2), *DATA, ENDED],
                "SUCCEEDED"),
    "a refusal by the breaker": (
        [ACCEPTED, begun("nlp"), retrying("nlp", called="no"), begun("nlp", 1, 2), succeeded("nlp"), *DATA, ENDED],
        "SUCCEEDED"),
    "a resend": ([ACCEPTED, resent("nlp", 2), *NLP[1:], *DATA, ENDED], "SUCCEEDED"),
    "a takeover of a running step": (
        [ACCEPTED, begun("nlp"), taken_over("nlp", 1), begun("nlp", 2, 3), succeeded("nlp", 2), *DATA, ENDED],
        "SUCCEEDED"),
    "a takeover of a held step": ([ACCEPTED, taken_over("nlp", 0), begun("nlp", 1, 2), succeeded("nlp"), *DATA, ENDED],
                                  "SUCCEEDED"),
    "a failure": ([ACCEPTED, begun("nlp"), failed("nlp"), SKIPPED, FAILED], "FAILED"),
    "poison": ([ACCEPTED, begun("nlp"), taken_over("nlp", 1), failed("nlp"), SKIPPED, FAILED], "FAILED"),
    "a deadline": ([ACCEPTED, failed("nlp", 0), SKIPPED, FAILED], "FAILED"),
    "degraded": ([ACCEPTED, begun("nlp"), succeeded("nlp", 1, "DEGRADED"), *DATA, ("ended", "", "DEGRADED")],
                 "DEGRADED"),
    "a cancel": ([*NLP, begun("data"), *CANCEL], "CANCELLED"),
    "a pause before it began": ([ACCEPTED, PAUSED, RESUMED, *NLP[1:], *DATA, ENDED], "SUCCEEDED"),
    "a resend after a pause": ([ACCEPTED, PAUSED, RESUMED, resent("nlp", 3), *NLP[1:], *DATA, ENDED], "SUCCEEDED"),
    "a call that ends in a pause": ([ACCEPTED, begun("nlp"), PAUSED, succeeded("nlp"), RESUMED, *DATA, ENDED],
                                    "SUCCEEDED"),
    "the last call ends in a pause": ([*NLP, begun("data"), PAUSED, succeeded("data"), ENDED], "SUCCEEDED"),
    "a failure in a pause": ([ACCEPTED, begun("nlp"), PAUSED, failed("nlp"), SKIPPED, FAILED], "FAILED"),
    "a retry in a pause": (
        [ACCEPTED, begun("nlp"), PAUSED, retrying("nlp"), RESUMED, begun("nlp", 2, 2), succeeded("nlp", 2), *DATA,
         ENDED], "SUCCEEDED"),
    "a takeover in a pause": (
        [ACCEPTED, begun("nlp"), PAUSED, taken_over("nlp", 1), RESUMED, begun("nlp", 2, 3), succeeded("nlp", 2),
         *DATA, ENDED], "SUCCEEDED"),
    "a pause without end": ([*NLP, PAUSED, ("ended", "", "CANCELLED")], "CANCELLED"),
    "a cancel in a pause": ([*NLP, PAUSED, *CANCEL], "CANCELLED"),
    "again after a failure": (
        [ACCEPTED, begun("nlp"), failed("nlp"), SKIPPED, FAILED, reset(1), begun("nlp", 1, 2), succeeded("nlp"),
         begun("data"), succeeded("data"), ENDED], "SUCCEEDED"),
    "again after a cancel, keeping what succeeded": (
        [*NLP, begun("data"), *CANCEL, reset(1), begun("data", 1, 3), succeeded("data"), ENDED], "SUCCEEDED"),
    "again from a named step": ([*NLP, *DATA, ENDED, reset(1, "data"), resent("data", 2), begun("data", 1, 3),
                                 succeeded("data"), ENDED, reset(2, "nlp"), begun("nlp", 1, 3), succeeded("nlp"),
                                 begun("data", 1, 5), succeeded("data"), ENDED], "SUCCEEDED"),
    "again from a step whose predecessor failed": (
        [ACCEPTED, begun("nlp"), failed("nlp"), SKIPPED, FAILED, reset(1, "data"), begun("nlp", 1, 2),
         succeeded("nlp"), begun("data"), succeeded("data"), ENDED], "SUCCEEDED"),
}

ILLEGAL = {
    "has not ended": [*NLP, *DATA],
    "nothing follows the end": [*NLP, *DATA, ENDED, ENDED],
    "first event is `accepted`": [*NLP[1:], *DATA, ENDED],
    "accepted once": [ACCEPTED, *NLP, *DATA, ENDED],
    "begins when it is sent, not WAITING": [ACCEPTED, *DATA, *NLP[1:], ENDED],
    "begins when it is sent, not RUNNING": [ACCEPTED, begun("nlp"), begun("nlp", 2, 2), succeeded("nlp", 2), *DATA,
                                            ENDED],
    "begins when it is sent, not SUCCEEDED": [*NLP, begun("nlp", 2, 2), succeeded("nlp", 2), *DATA, ENDED],
    "counted one by one": [ACCEPTED, begun("nlp", 2), succeeded("nlp", 2), *DATA, ENDED],
    "attempts are counted": [ACCEPTED, begun("nlp"), retrying("nlp"), begun("nlp", 1, 2), succeeded("nlp"), *DATA,
                             ENDED],
    "higher fence": [ACCEPTED, begun("nlp"), retrying("nlp"), begun("nlp", 2, 1), succeeded("nlp", 2), *DATA, ENDED],
    "each claim has a higher fence": [ACCEPTED, begun("nlp"), taken_over("nlp", 1), begun("nlp", 2, 2),
                                      succeeded("nlp", 2), *DATA, ENDED],
    "only a running step reports, not QUEUED": [ACCEPTED, succeeded("nlp"), *DATA, ENDED],
    "only a running step reports, not SUCCEEDED": [*NLP, succeeded("nlp"), *DATA, ENDED],
    "only the newest attempt reports": [ACCEPTED, begun("nlp"), retrying("nlp"), begun("nlp", 2, 2), succeeded("nlp"),
                                        *DATA, ENDED],
    "a step fails once": [*NLP, failed("nlp"), *DATA, ENDED],
    "only a waiting step is skipped": [*NLP, begun("data"), SKIPPED, ENDED],
    "sent again, not RUNNING": [ACCEPTED, begun("nlp"), resent("nlp", 2), *DATA, ENDED],
    "sends are counted one by one: 2, not 1": [ACCEPTED, resent("nlp", 1), *NLP[1:], *DATA, ENDED],
    "only a running or held step": [*NLP, taken_over("nlp", 0), *DATA, ENDED],
    "takeovers of running steps are counted": [ACCEPTED, begun("nlp"), taken_over("nlp", 0), begun("nlp", 2, 3),
                                               succeeded("nlp", 2), *DATA, ENDED],
    "no step is open": [*NLP, begun("data"), ENDED],
    "by its steps the workflow ends FAILED": [ACCEPTED, begun("nlp"), failed("nlp"), SKIPPED, ENDED],
    "by its steps the workflow ends SUCCEEDED": [*NLP, *DATA, FAILED],
    "ends CANCELLED": [*NLP, ("cancel_requested", ""), *DATA, ENDED],
    "sends are counted one by one: 3, not 2": [ACCEPTED, PAUSED, RESUMED, resent("nlp", 2), *NLP[1:], *DATA, ENDED],
    "nothing begins in a pause": [ACCEPTED, PAUSED, *NLP[1:], RESUMED, *DATA, ENDED],
    "begins when it is sent, not CANCELLED": [ACCEPTED, *CANCEL, reset(1, "data"), *CANCEL, *DATA],
    "nothing begins after a cancel": [ACCEPTED, CANCEL[0], *NLP[1:], *DATA, ENDED],
    "sent again, not WAITING": [ACCEPTED, PAUSED, resent("nlp", 2), RESUMED, *NLP[1:], *DATA, ENDED],
    "only what is not paused": [ACCEPTED, PAUSED, PAUSED, RESUMED, *NLP[1:], *DATA, ENDED],
    "only what is paused": [ACCEPTED, RESUMED, *NLP[1:], *DATA, ENDED],
    "only what has ended": [ACCEPTED, reset(1), *NLP[1:], *DATA, ENDED],
    "rounds are counted": [*NLP, *DATA, ENDED, reset(2, "data"), begun("data", 1, 3), succeeded("data"), ENDED],
    "when a pause ends": [ACCEPTED, begun("nlp"), PAUSED, ("ended", "", "CANCELLED")],
    "not SUCCEEDED": [*NLP, begun("data"), *CANCEL, reset(1), *NLP[1:], *DATA, ENDED],
    "part of the plan": [*NLP, *DATA, begun("viz"), ENDED],
}


@pytest.mark.parametrize(("lines", "final"), LEGAL.values(), ids=LEGAL)
def test_legal_histories_pass(lines: list[tuple[object, ...]], final: str) -> None:
    assert violations(history(*lines), PLAN, final) == []


@pytest.mark.parametrize(("rule", "lines"), ILLEGAL.items(), ids=ILLEGAL)
def test_each_rule_can_fail(rule: str, lines: list[tuple[object, ...]]) -> None:
    found = violations(history(*lines), PLAN, "SUCCEEDED")
    assert any(rule in violation for violation in found), found


def test_the_record_must_agree_with_the_history() -> None:
    assert violations(history(*NLP, *DATA, ENDED), PLAN, "FAILED") == [
        "the history ends SUCCEEDED, the record says FAILED"]


def test_events_out_of_order_are_seen() -> None:
    events = history(*NLP, *DATA, ENDED)
    events[1], events[2] = events[2], events[1]
    assert any("in order" in violation for violation in violations(events, PLAN, "SUCCEEDED"))
