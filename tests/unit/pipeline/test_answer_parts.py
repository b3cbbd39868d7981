"""The one shape of answers, made of the record and what the steps gave."""

from steps_at_work import ID, ROWS, UNDERSTOOD, contents, record, step

from pipeline.answer import compose_answer
from state.model import StepStatus, WorkflowStatus

CHART = {"chart_type": "bar", "title": "Flights", "spec": {"mark": "bar"}, "alt_text": "A bar each."}
ORDINARY = (step("nlp"), step("data"), step("viz"))
WHOLE = contents(nlp=UNDERSTOOD, data=ROWS, viz=CHART)


def test_a_whole_answer():
    answer = compose_answer(record(*ORDINARY), WHOLE)
    assert (answer.query, answer.query_id, answer.status, answer.degraded) == (
        "flights by carrier", "q7", WorkflowStatus.SUCCEEDED, False)
    assert (answer.result.data, answer.result.row_count, answer.result.sql_query) == (ROWS["rows"], 2, "SELECT 1")
    assert (answer.visualization.png_url, answer.visualization.svg_url) == (
        f"/api/workflow/{ID}/chart.png", f"/api/workflow/{ID}/chart.svg")
    assert (answer.interpretation, answer.assumptions) == ("Flights, by carrier.", ["all of 2013"])
    assert (answer.duration_ms, answer.error, answer.parts, answer.outputs) == (1_000, None, [], {})
    assert answer.agent_performance["data"].model_dump() == {
        "status": "SUCCEEDED", "attempts": 1, "duration_ms": 300, "wait_ms": 200}


def test_an_answer_as_far_as_it_is_there():
    waiting = step("viz", status=StepStatus.WAITING, queued_ms=None, started_ms=None, finished_ms=None, attempt=0)
    running = record(step("nlp"), step("data", finished_ms=None), waiting, status=WorkflowStatus.RUNNING,
                     finished_ms=None)
    answer = compose_answer(running, contents(nlp=UNDERSTOOD))
    assert (answer.result, answer.visualization, answer.finished_at, answer.duration_ms) == (None, None, None, None)
    assert answer.agent_performance["data"].duration_ms is None
    assert answer.agent_performance["viz"].model_dump() == {
        "status": "WAITING", "attempts": 0, "duration_ms": None, "wait_ms": None}


def test_a_chart_that_cannot_be_drawn_has_no_picture():
    chart = compose_answer(record(*ORDINARY), contents(viz={**CHART, "spec": None})).visualization
    assert (chart.png_url, chart.svg_url, chart.title) == (None, None, "Flights")


def test_what_the_data_agent_ran_is_told_before_what_it_was_asked():
    data = compose_answer(record(*ORDINARY), contents(nlp=UNDERSTOOD, data={**ROWS, "sql_query": "SELECT 2"}))
    assert data.result.sql_query == "SELECT 2"


def test_stand_ins_and_what_was_left_out_make_it_degraded():
    stood_in = step("data", degradation={"source": "last_good", "reason": "the agent is away", "age_s": 60.0})
    left_out = step("rain", "weather", StepStatus.SKIPPED, optional=True, error={"message": "too slow"})
    follows = step("snow", "weather", StepStatus.SKIPPED, optional=True)
    answer = compose_answer(record(step("nlp"), stood_in, left_out, follows, status=WorkflowStatus.DEGRADED), WHOLE)
    assert answer.degraded
    assert [(one.step, one.source, one.reason, one.age_s) for one in answer.degradations] == [
        ("data", "last_good", "the agent is away", 60.0), ("rain", "left_out", "too slow", None),
        ("snow", "left_out", "A step it needs was left out.", None)]


def test_a_failure_tells_its_step_and_what_to_do():
    failed = step("data", status=StepStatus.FAILED, attempt=2,
                  error={"error_type": "agent_timeout", "message": "No answer.", "suggestions": ["Wait."],
                         "recovery_action": "wait_and_retry", "retry_after_s": 9.0, "status_code": 504})
    error = compose_answer(record(step("nlp"), failed, status=WorkflowStatus.FAILED), contents()).error
    assert error.model_dump() == {
        "error_type": "agent_timeout", "message": "No answer.", "recovery_action": "wait_and_retry",
        "suggestions": ["Wait."], "step": "data", "attempt": 2, "retry_after_s": 9.0, "status_code": 504}


def test_a_failure_of_no_step_tells_the_workflow_s_own_message():
    answer = compose_answer(record(step("nlp"), status=WorkflowStatus.FAILED, message="The deadline passed."),
                            contents())
    assert (answer.error.message, answer.error.step, answer.error.recovery_action) == (
        "The deadline passed.", "", "retry")


def test_a_cancel_tells_why():
    answer = compose_answer(record(step("nlp"), status=WorkflowStatus.CANCELLED, message="by ann: wrong month"),
                            contents())
    assert (answer.error.error_type, answer.error.message) == (
        "cancelled", "The question was cancelled: by ann: wrong month")


def test_each_part_has_its_own_rows_and_chart_or_says_what_is_missing():
    told = [{"name": name, "query": name, "data": f"rows_{name}", "viz": f"chart_{name}"} for name in "ab"]
    lost = step("rows_b", "data", StepStatus.SKIPPED, optional=True, error={"message": "no such table"})
    steps = record(step("nlp"), step("rows_a", "data"), step("chart_a", "viz"), lost,
                   step("chart_b", "viz", StepStatus.SKIPPED, optional=True), step("compose", spec={"parts": told}),
                   status=WorkflowStatus.DEGRADED)
    queries = [{"name": name, "question": f"{name}?", "sql_query": f"SELECT '{name}'"} for name in "ab"]
    first, second = compose_answer(steps, contents(nlp={"queries": queries}, rows_a=ROWS, chart_a=CHART)).parts
    assert (first.question, first.result.sql_query, first.missing) == ("a?", "SELECT 'a'", "")
    assert first.visualization.png_url == f"/api/workflow/{ID}/chart.png?step=chart_a"
    assert (second.result, second.visualization, second.missing) == (None, None, "no such table")
    assert second.steps == ["rows_b", "chart_b"]
