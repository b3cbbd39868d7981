"""Real workers, a real Valkey, and an agent that behaves as the test says: what a step goes through."""

import pytest
from celery.exceptions import TaskRevokedError

from api.routes.questions import problem_of
from pipeline.question import Question, accept, plan_workflow, send_first
from state import keys
from state.errors import WorkflowFailed
from state.model import WorkflowStatus
from state.transition import new_token
from tests.floor import floor_of
from tests.processes import wait_for
from tests.scripted_agent import FLAT, STANDARD, Reply

POOLS = ["gevent", "prefork", "threads"]


@pytest.fixture(scope="module")
def shared_floor(valkey, tmp_path_factory):
    with floor_of(valkey, tmp_path_factory.mktemp("floor")) as floor:
        yield floor


@pytest.fixture
def floor(shared_floor):
    shared_floor.agent.reset(STANDARD)
    shared_floor.forget()
    yield shared_floor
    shared_floor.agent.release()


@pytest.mark.parametrize("pool", POOLS)
def test_three_agents_are_called_once_each_in_turn(floor, pool):
    floor.worker(pool)
    workflow_id = floor.ask()
    record = floor.ended(workflow_id)
    assert record.status is WorkflowStatus.SUCCEEDED
    assert [call.path for call in floor.agent.calls] == ["/process", "/execute", "/visualize"]
    assert [call.headers["X-Workflow-Id"] for call in floor.agent.calls] == [workflow_id] * 3
    answer = floor.answer(workflow_id)
    assert answer.result.data == [{"x": 1}]
    assert answer.visualization.chart_type == "number"
    assert floor.client.zcard(keys.DUE) == 0


def test_the_agents_are_asked_by_the_contract(floor):
    floor.worker()
    floor.ended(floor.ask("how many"))
    nlp, data, viz = (call.body for call in floor.agent.calls)
    assert {"query", "query_id", "user_id", "session_id", "context"} <= nlp.keys()
    assert nlp["query"] == "how many"
    assert data["sql_query"] == "SELECT 1 AS x"
    assert data["query_context"]["metric_type"] == data["query_context"]["query_intent"]["metric_type"] == "count"
    assert data["execution_config"] == {"use_cache": True, "validate_result": True, "optimize_query": True}
    assert viz["data"] == [{"x": 1}]
    assert viz["columns"][0]["name"] == "x"
    assert viz["intent"]["time_period"] == "unknown"


def test_agents_that_speak_the_flat_dialect_work_unchanged(floor):
    floor.agent.dialect = FLAT
    floor.worker()
    workflow_id = floor.ask()
    assert floor.ended(workflow_id).status is WorkflowStatus.SUCCEEDED
    answer = floor.answer(workflow_id)
    assert answer.result.data == [{"x": 1}]
    assert answer.interpretation == "Counts x."
    assert answer.visualization.chart_data == FLAT["/visualize"]["chart_json"]
    assert answer.visualization.spec["$schema"].startswith("https://vega.github.io/schema/vega-lite/")
    assert "<script" not in answer.model_dump_json()


def test_an_empty_result_is_an_answer_and_no_chart_is_asked_for(floor):
    floor.agent.script("/execute", Reply({"result": {"data": [], "columns": ["x"], "row_count": 0}}))
    floor.worker()
    workflow_id = floor.ask()
    assert floor.ended(workflow_id).status is WorkflowStatus.SUCCEEDED
    assert floor.agent.calls_of("/visualize") == []
    assert floor.answer(workflow_id).visualization.reason.startswith("The query gives no rows")


def test_a_passing_fault_is_retried_through_celery(floor):
    floor.agent.script("/process", Reply({}, 503), Reply({}, 500))
    floor.worker()
    workflow_id = floor.ask()
    record = floor.ended(workflow_id)
    assert (record.status, record.steps["nlp"].attempt) == (WorkflowStatus.SUCCEEDED, 3)
    assert [call.headers["X-Attempt"] for call in floor.agent.calls_of("/process")] == ["1", "2", "3"]
    assert len({call.headers["Idempotency-Key"] for call in floor.agent.calls_of("/process")}) == 1


def test_a_lasting_fault_fails_with_what_to_do(floor):
    floor.agent.script("/execute", Reply({}, 503), Reply({}, 503))
    floor.worker()
    workflow_id = floor.ask()
    record = floor.ended(workflow_id)
    assert record.status is WorkflowStatus.FAILED
    assert [step.status for step in record.steps.values()] == ["SUCCEEDED", "FAILED", "SKIPPED"]
    error = floor.answer(workflow_id).error
    assert (error.error_type, error.step, error.attempt, error.recovery_action) == (
        "agent_unavailable", "data", 2, "wait_and_retry")
    with pytest.raises(WorkflowFailed, match="503"):
        floor.app.AsyncResult(workflow_id).get(timeout=5)


def test_a_refusal_is_not_retried_and_keeps_the_agent_s_words(floor):
    fault = {"error_type": "question_not_understood", "message": "What is a blorp?", "recovery_action": "rephrase",
             "suggestions": ["Ask about flights."], "unmatched": ["blorp"]}
    floor.agent.script("/process", Reply({"success": False, "error": fault}, 422))
    floor.worker()
    workflow_id = floor.ask()
    floor.ended(workflow_id)
    error = floor.answer(workflow_id).error
    assert error.model_dump(exclude_none=True) == {**fault, "step": "nlp", "attempt": 1}
    assert len(floor.agent.calls) == 1


def test_a_fault_of_ours_ends_the_step_with_an_error_and_is_no_death(floor, monkeypatch):
    floor.worker()
    floor.agent.script("/process", Reply({"sql_query": "SELECT 1 AS x", "intent": {}}))
    workflow = plan_workflow(Question("how many"))
    del workflow.request["query_id"]
    send_first(floor.app, workflow, floor.store.run(accept(workflow, new_token())))
    record = floor.ended(workflow.workflow_id)
    assert record.status is WorkflowStatus.FAILED
    assert record.steps["nlp"].error["error_type"] == "internal_error"
    assert record.steps["nlp"].takeovers == 0


def test_async_result_tells_the_workflow_s_state(floor):
    floor.agent.script("/process", Reply(STANDARD["/process"], until=floor.agent.released))
    floor.no_worker()
    workflow_id = floor.ask()
    assert floor.app.AsyncResult(workflow_id).state == "PENDING"
    floor.worker()
    floor.running(workflow_id, "nlp")
    assert floor.app.AsyncResult(workflow_id).state == "STARTED"
    floor.agent.release()
    assert floor.app.AsyncResult(workflow_id).get(timeout=10) == {"workflow_id": workflow_id, "status": "SUCCEEDED"}


@pytest.mark.parametrize("pool", POOLS)
def test_a_worker_killed_in_the_middle_of_a_call_loses_nothing(floor, pool):
    floor.agent.script("/execute", Reply(STANDARD["/execute"], until=floor.agent.released))
    first = floor.worker(pool)
    workflow_id = floor.ask()
    floor.running(workflow_id, "data")
    floor.another_worker(pool)
    first.kill()
    record = floor.ended(workflow_id)
    assert record.status is WorkflowStatus.SUCCEEDED
    assert record.steps["data"].takeovers == 1
    assert len(floor.agent.calls_of("/process")) == 1
    assert len(floor.agent.calls_of("/execute")) == 2
    assert floor.client.zcard(keys.DUE) == 0


def test_a_message_that_is_lost_is_sent_again(floor):
    floor.no_worker()
    workflow_id = floor.ask()
    floor.client.delete("agents.nlp")
    floor.client.zadd(keys.DUE, {keys.due_member(workflow_id, "nlp"): 0})
    floor.worker()
    assert floor.ended(workflow_id).status is WorkflowStatus.SUCCEEDED


@pytest.mark.parametrize("by", ["workflow", "step"])
def test_a_revoke_cancels_the_workflow_and_ends_its_call(floor, by):
    floor.agent.script("/execute", Reply(STANDARD["/execute"], until=floor.agent.released))
    worker = floor.worker()
    workflow_id = floor.ask()
    floor.running(workflow_id, "data")
    target = workflow_id if by == "workflow" else f"{workflow_id}.data.0.1"
    floor.app.control.revoke(target)
    record = floor.ended(workflow_id)
    assert record.status is WorkflowStatus.CANCELLED
    error = problem_of(floor.answer(workflow_id).error, workflow_id)
    assert (error.status, error.error_type) == (409, "cancelled")
    inspect = floor.app.control.inspect(timeout=5, limit=1)
    wait_for(lambda: (told := inspect.active()) and f"{workflow_id}.data" not in str(told), "the call to end", 20)
    with pytest.raises(TaskRevokedError):
        floor.app.AsyncResult(workflow_id).get(timeout=5)
    assert floor.agent.calls_of("/visualize") == []
    assert worker.status == "running"


def test_the_celery_cli_inspects_the_workers(floor):
    worker = floor.worker()
    registered = floor.celery("inspect", "registered")
    assert registered.returncode == 0
    assert all(name in registered.stdout for name in ("agents.nlp", "agents.data", "agents.viz", "agents.call"))
    assert worker.hostname in registered.stdout
    assert worker.hostname in floor.app.control.inspect(timeout=10, limit=1).stats()
