"""The timeline of a workflow: attempts and waits in their lanes, read from its history."""

from dataclasses import replace

import pytest

from api.pages.workflows.spans import SpanKind, last_round, spans_of
from api.pages.workflows.timeline import MOST_LANES, timeline_of
from state.events import Event, EventKind
from state.model import StepStatus, WorkflowStatus
from tests.unit.api.scripted_desk import record, step

ERROR = {"error_type": "agent_timeout", "message": "slow"}


def event(at_ms: int, kind: EventKind, of: str = "", status: str = "", **data: object) -> Event:
    return Event(f"{at_ms}-0", kind, of, status, at_ms, data)


def begun(at_ms: int, of: str, attempt: int = 1) -> Event:
    return event(at_ms, EventKind.BEGUN, of, attempt=str(attempt), worker="w")


def spans(*events: Event, status: WorkflowStatus = WorkflowStatus.RUNNING):
    two = (step("nlp", StepStatus.SUCCEEDED), step("data", StepStatus.RUNNING, after=("nlp",)))
    return spans_of(record("q", status, *two), events)


def told(found) -> list[tuple[SpanKind, int, int | None, str]]:
    return [(one.kind, one.from_ms, one.to_ms, one.css) for one in found]


def test_a_step_waits_for_the_one_before_it_and_then_for_a_worker():
    found = spans(begun(1_010, "nlp"), event(1_050, EventKind.SUCCEEDED, "nlp", "SUCCEEDED"), begun(1_080, "data"))
    assert told(found["nlp"]) == [(SpanKind.WAITING, 1_000, 1_010, "idle"), (SpanKind.CALL, 1_010, 1_050, "good")]
    assert told(found["data"]) == [(SpanKind.WAITING, 1_050, 1_080, "idle"), (SpanKind.CALL, 1_080, None, "busy")]


def test_a_retry_is_a_bad_attempt_a_wait_and_another_attempt():
    found = spans(
        begun(1_000, "nlp"),
        event(1_100, EventKind.RETRYING, "nlp", called="yes", wait_ms="400", error=ERROR),
        begun(1_500, "nlp", 2),
        event(1_600, EventKind.SUCCEEDED, "nlp", "DEGRADED"),
    )["nlp"]
    assert told(found) == [
        (SpanKind.CALL, 1_000, 1_100, "bad"),
        (SpanKind.RETRY_WAIT, 1_100, 1_500, "late"),
        (SpanKind.CALL, 1_500, 1_600, "late"),
    ]
    assert [one.attempt for one in found] == [1, 0, 2]
    assert found[0].error == ERROR


def test_what_the_breaker_refused_is_a_wait_and_no_attempt():
    found = spans(
        begun(1_000, "nlp"), event(1_001, EventKind.RETRYING, "nlp", called="no", wait_ms="900"), begun(1_900, "nlp")
    )["nlp"]
    assert told(found) == [(SpanKind.BREAKER_WAIT, 1_001, 1_900, "late"), (SpanKind.CALL, 1_900, None, "busy")]


def test_a_dead_worker_ends_its_attempt():
    found = spans(begun(1_000, "nlp"), event(7_000, EventKind.TAKEN_OVER, "nlp"), begun(7_100, "nlp", 2))["nlp"]
    assert [one.kind for one in found] == [SpanKind.CALL, SpanKind.WAITING, SpanKind.CALL]
    assert found[0].error["error_type"] == "worker lost"


@pytest.mark.parametrize(("kind", "to_ms"), [(EventKind.ENDED, 1_300), (EventKind.PAUSED, None)])
def test_the_end_closes_a_call_and_a_pause_lets_it_go_on(kind, to_ms):
    found = spans(begun(1_000, "nlp"), event(1_300, kind))["nlp"]
    assert found[-1].to_ms == to_ms


def test_only_the_last_round_is_shown():
    events = [begun(9_000, "nlp"), event(8_000, EventKind.RESET), event(2_000, EventKind.ENDED), begun(1_000, "nlp")]
    assert [one.at_ms for one in last_round(events)] == [8_000, 9_000]


def test_bars_stand_inside_the_lane_and_say_what_they_are():
    one = record("q", WorkflowStatus.SUCCEEDED, step("nlp", StepStatus.SUCCEEDED))
    done = event(1_500, EventKind.SUCCEEDED, "nlp", "SUCCEEDED")
    events = [done, begun(1_250, "nlp"), event(1_000, EventKind.ACCEPTED)]
    (lane,) = timeline_of(one, events, now_ms=99_000).lanes
    wait, call = lane.drawn
    assert (wait.x, wait.width, call.x, call.width) == (0, 50, 50, 50)
    assert call.says == "attempt 1, 250 ms"
    assert [label for _, label in timeline_of(one, events, now_ms=99_000).ticks][-1] == "500 ms"


def test_a_large_plan_has_a_bounded_number_of_lanes():
    many = [replace(step("data", StepStatus.WAITING), name=f"s{at}") for at in range(500)]
    timeline = timeline_of(record("q", WorkflowStatus.RUNNING, *many), [], now_ms=2_000)
    assert (len(timeline.lanes), timeline.left_out) == (MOST_LANES, 500 - MOST_LANES)
