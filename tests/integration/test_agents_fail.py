"""Agents that fail: breakers, waits, stand-ins and deadlines, with real workers."""

from collections.abc import Iterator

import pytest

from breakers import CircuitState
from breakers.breaker import CircuitBreaker
from breakers.registry import numbers_of
from breakers.store import Store as BreakerStore
from core.settings import get_settings
from state import keys
from state.events import Event, EventKind
from state.model import Mode, WorkflowStatus
from tests.floor import Floor, floor_of
from tests.processes import LocalValkey, wait_for
from tests.scripted_agent import STANDARD, Reply

# Longer than the wait for a retry, or a breaker that failing calls opened may have had its rest before it is looked at.
RECOVERY_S, LONG_RECOVERY_S = 5.0, 60.0
DOWN = [Reply({}, 503)] * 50
PATHS = {"nlp": "/process", "data": "/execute", "viz": "/visualize"}


@pytest.fixture(scope="module")
def shared_floor(valkey: LocalValkey, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Floor]:
    rests = {f"{name}_BREAKER_RECOVERY_S": str(RECOVERY_S) for name in ("NLP", "DATA", "VIZ")}
    with floor_of(valkey, tmp_path_factory.mktemp("floor"), **rests, BREAKER_SPREAD_S="1") as floor:
        yield floor


@pytest.fixture
def floor(shared_floor: Floor) -> Iterator[Floor]:
    shared_floor.agent.reset(STANDARD)
    shared_floor.forget()
    shared_floor.worker()
    wait_for(lambda: shared_floor.ended(shared_floor.ask("settles")).status is WorkflowStatus.SUCCEEDED,
             "the worker to see its breakers closed", 20)
    shared_floor.forget_answers()
    shared_floor.agent.calls.clear()
    yield shared_floor
    shared_floor.agent.release()


def breaker_of(floor: Floor, agent: str) -> CircuitBreaker:
    return CircuitBreaker(agent, numbers_of(agent, get_settings()), BreakerStore(floor.environment["REDIS_URL"]))


def state_of(floor: Floor, agent: str) -> CircuitState:
    return breaker_of(floor, agent).status().state


def history(floor: Floor, workflow_id: str) -> list[Event]:
    return [Event.of_entry(*entry) for entry in floor.client.xrange(keys.events(workflow_id))]


def open_breaker(floor: Floor, agent: str) -> None:
    """By failing calls, as it happens in life."""
    floor.agent.script(PATHS[agent], *DOWN)
    for number in range(10):
        floor.ended(floor.ask(f"opens {number}"))
        if state_of(floor, agent) is CircuitState.OPEN:
            floor.agent.scripts.clear()
            return
    pytest.fail("the breaker did not open")


def test_an_open_breaker_spares_the_agent_and_spends_no_attempt(floor: Floor) -> None:
    long = numbers_of("data", get_settings()).model_copy(update={"recovery_s": LONG_RECOVERY_S})
    breaker_of(floor, "data").set_settings(long, actor="ann", reason="to look at it in peace")
    open_breaker(floor, "data")
    before = len(floor.agent.calls_of("/execute"))
    workflow_id = floor.ask("is refused")
    record = floor.ended(workflow_id)
    assert record.status is WorkflowStatus.FAILED
    error = floor.answer(workflow_id).error
    assert error is not None
    assert (error.error_type, error.recovery_action, error.step) == ("agent_unavailable", "wait_and_retry", "data")
    assert error.retry_after_s is not None
    assert 0 < error.retry_after_s <= LONG_RECOVERY_S
    assert len(floor.agent.calls_of("/execute")) == before


def test_a_question_nobody_waits_for_waits_for_the_breaker(floor: Floor) -> None:
    open_breaker(floor, "data")
    workflow_id = floor.ask("can wait", Mode.BACKGROUND)
    record = floor.ended(workflow_id)
    assert record.status is WorkflowStatus.SUCCEEDED
    assert record.steps["data"].attempt == 1
    waited = [event for event in history(floor, workflow_id) if event.kind is EventKind.RETRYING]
    assert waited
    assert all("rest" in event.data["error"]["message"] and int(event.data["wait_ms"]) > 0 for event in waited)
    assert state_of(floor, "data") is CircuitState.CLOSED


@pytest.mark.parametrize("fault", [Reply({}, 503), Reply({}, 500), Reply(b"garbage"), Reply(drop=True)])
@pytest.mark.parametrize("agent", ["nlp", "data"])
def test_the_last_good_answer_stands_in(floor: Floor, agent: str, fault: Reply) -> None:
    assert floor.ended(floor.ask("How many  flights?")).status is WorkflowStatus.SUCCEEDED
    floor.agent.script(PATHS[agent], *[fault] * 3)
    workflow_id = floor.ask("how many flights")
    assert floor.ended(workflow_id).status is WorkflowStatus.DEGRADED
    answer = floor.answer(workflow_id)
    assert answer.degraded
    (degradation,) = answer.degradations
    assert (degradation.step, degradation.source) == (agent, "last_good")
    assert degradation.age_s is not None
    assert 0 <= degradation.age_s < 60
    assert degradation.reason
    assert answer.result is not None
    assert answer.result.data == [{"x": 1}]
    assert floor.app.AsyncResult(workflow_id).get(timeout=5)["status"] == "DEGRADED"


def test_a_stand_in_is_no_good_answer_for_the_next(floor: Floor) -> None:
    floor.ended(floor.ask("how many flights"))
    known = {key: floor.client.get(key) for key in floor.client.scan_iter("baton:last-good:*")}
    floor.agent.script("/process", *DOWN[:3])
    assert floor.ended(floor.ask("how many flights")).status is WorkflowStatus.DEGRADED
    nlp = {key: place for key, place in known.items() if b":nlp:" in key}
    assert {key: floor.client.get(key) for key in nlp} == nlp


def test_a_plain_chart_of_ours_stands_in_for_the_viz_agent(floor: Floor) -> None:
    floor.agent.script("/visualize", Reply({"success": False, "error": "no"}))
    workflow_id = floor.ask()
    assert floor.ended(workflow_id).status is WorkflowStatus.DEGRADED
    answer = floor.answer(workflow_id)
    assert [(one.step, one.source) for one in answer.degradations] == [("viz", "own_chart")]
    assert answer.visualization is not None
    assert answer.visualization.chart_type == "number"


def test_an_agent_s_own_refusal_of_the_question_is_not_answered_by_others(floor: Floor) -> None:
    floor.ended(floor.ask("how many flights"))
    floor.agent.script("/process", Reply({"success": False, "error": {"message": "What?"}}, 422))
    workflow_id = floor.ask("how many flights")
    assert floor.ended(workflow_id).status is WorkflowStatus.FAILED


def test_a_poison_question_fails_alone(floor: Floor) -> None:
    for number in range(4):
        floor.agent.script("/process", *[Reply({}, 500)] * 3)
        poisoned = floor.ask(f"poison {number}")
        assert floor.ended(poisoned).status is WorkflowStatus.FAILED
        for other in [floor.ask(f"fine {number}.{n}") for n in range(8)]:
            assert floor.ended(other).status is WorkflowStatus.SUCCEEDED
    assert state_of(floor, "nlp") is CircuitState.CLOSED


def check_health(floor: Floor, agent: str) -> None:
    seen = floor.client.hget("baton:health", agent)
    floor.app.send_task("health.check", (agent,), queue="baton")
    wait_for(lambda: floor.client.hget("baton:health", agent) != seen, "a look at the agent", 20)


def test_a_good_look_closes_a_breaker_without_a_question(floor: Floor) -> None:
    open_breaker(floor, "nlp")
    calls = len(floor.agent.calls)

    def closed() -> bool:
        check_health(floor, "nlp")
        return state_of(floor, "nlp") is CircuitState.CLOSED

    wait_for(closed, "the breaker to close", 20)
    assert len(floor.agent.calls) == calls


def test_bad_looks_open_no_breaker_of_an_agent_that_serves_well(floor: Floor) -> None:
    floor.ended(floor.ask())
    floor.agent.healthy = False
    for _ in range(8):
        check_health(floor, "nlp")
    assert state_of(floor, "nlp") is CircuitState.CLOSED
    assert floor.ended(floor.ask()).status is WorkflowStatus.SUCCEEDED


@pytest.mark.parametrize("agent", ["nlp", "data", "viz"])
def test_a_question_whose_deadline_passes_ends_then_whatever_the_agent_does(floor: Floor, agent: str) -> None:
    floor.agent.script(PATHS[agent], Reply(STANDARD[PATHS[agent]], until=floor.agent.released))
    workflow_id = floor.ask("hangs", deadline_s=2.0)
    record = floor.ended(workflow_id)
    assert record.finished_ms is not None
    late_ms = record.finished_ms - record.deadline_ms
    assert late_ms <= 500 + 250 + 250, "half a second, one look, and a moment for a busy machine"
    if agent == "viz":
        assert record.status is WorkflowStatus.DEGRADED
    else:
        error = floor.answer(workflow_id).error
        assert error is not None
        assert error.error_type == "agent_timeout"


def test_an_earlier_answer_is_there_before_the_deadline_when_an_agent_hangs(floor: Floor) -> None:
    floor.ended(floor.ask("how many flights"))
    floor.agent.script("/execute", Reply(STANDARD["/execute"], until=floor.agent.released))
    record = floor.ended(floor.ask("how many flights", deadline_s=3.0))
    assert record.status is WorkflowStatus.DEGRADED
    assert record.finished_ms is not None
    assert record.finished_ms <= record.deadline_ms
