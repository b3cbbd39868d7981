"""Calls against histories: what was begun may be called, once it was, and not long after a stop."""

from state.events import Event, EventKind
from tests.chaos.calls import uncalled_for
from tests.chaos.interleaved import seen_in


def event(at_ms: int, kind: EventKind, step: str = "", **data: str) -> Event:
    return Event(f"{at_ms}-0", kind, step, "", at_ms, data)


def begun(at_ms: int, attempt: int = 1) -> Event:
    return event(at_ms, EventKind.BEGUN, "nlp", attempt=str(attempt), fence="1")


def call(at_s: float, round_: int = 0, attempt: int = 1) -> dict[str, object]:
    return {"at": at_s, "Idempotency-Key": f"w:nlp:{round_}", "X-Attempt": str(attempt)}


PAUSED, CANCELLED = event(2_000, EventKind.PAUSED), event(2_000, EventKind.CANCEL_REQUESTED)


def test_a_call_that_was_begun_passes() -> None:
    assert uncalled_for([call(1.01)], [begun(1_000)]) == []
    assert uncalled_for([call(3.01, 1)], [begun(1_000), event(2_000, EventKind.RESET, round="1"), begun(3_000)]) == []
    assert uncalled_for([call(1.01), call(5.0, attempt=2)], [begun(1_000), PAUSED, begun(4_900, 2)]) == []


def test_a_call_on_its_way_when_the_stop_came_passes() -> None:
    for stop in (PAUSED, CANCELLED):
        assert uncalled_for([call(2.5)], [begun(1_999), stop]) == []


def test_a_call_that_was_not_begun_is_found() -> None:
    for one in (call(0.9), call(1.1, 1), call(1.1, attempt=2)):
        (found,) = uncalled_for([one], [begun(1_000)])
        assert "had not begun" in found


def test_a_call_after_a_stop_is_found() -> None:
    for stop in (PAUSED, CANCELLED):
        (found,) = uncalled_for([call(9.0)], [begun(1_000), stop])
        assert "7000 ms after a stop" in found


def test_what_happened_in_an_interesting_order_is_counted() -> None:
    done = event(2_500, EventKind.SUCCEEDED, "nlp", attempt="1")
    seen = seen_in([begun(1_000), PAUSED, done, event(2_600, EventKind.RESUMED), begun(3_000), CANCELLED])
    assert (seen["pause during a call"], seen["succeeded in a pause"], seen["cancel during a call"]) == (1, 1, 1)
    seen = seen_in([begun(1_000), done, PAUSED, event(2_600, EventKind.RESUMED), CANCELLED])
    assert (seen["pause during a call"], seen["succeeded in a pause"], seen["cancel during a call"]) == (0, 0, 0)
