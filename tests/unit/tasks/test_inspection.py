"""What `celery inspect workflow` says about a workflow, to a person and to a program."""

from dataclasses import replace

from state.events import Event, EventKind
from state.inspection import Inspection
from state.model import Mode, StepRecord, StepStatus, WorkflowRecord, WorkflowStatus
from tasks.inspection import as_json, as_text

NOW_MS = 1_800_000_000_000
NLP = StepRecord(
    name="nlp", agent="nlp", queue="agents.nlp", status=StepStatus.RETRYING, after=(), attempt=2, takeovers=1, round=0,
    send=3, owner="", queued_ms=NOW_MS, started_ms=NOW_MS, first_started_ms=NOW_MS, finished_ms=None,
    error={"error_type": "agent_timeout", "message": "too slow"}, degradation=None)
DATA = replace(NLP, name="data", agent="data", queue="agents.data", status=StepStatus.WAITING, after=("nlp",),
               attempt=0, takeovers=0, send=0, error=None)
SEEN = Inspection(
    WorkflowRecord("f" * 32, WorkflowStatus.RUNNING, Mode.INTERACTIVE, NOW_MS, NOW_MS, None, NOW_MS + 180_000, "",
                   {"nlp": NLP, "data": DATA}),
    "how many flights", {"nlp": NOW_MS + 5_250, "": NOW_MS + 180_000},
    [Event("1-0", EventKind.RETRYING, "nlp", "RETRYING", NOW_MS, {"wait_ms": "900", "error": {"message": "too slow"}})],
    NOW_MS)


def test_a_person_reads_where_each_step_stands_and_why() -> None:
    said = as_text(SEEN)
    assert said.splitlines()[:2] == [f"{'f' * 32} RUNNING (interactive)", "how many flights"]
    assert "nlp   RETRYING  2         1          -      +5.2 s" in said
    assert "nlp: agent_timeout: too slow" in said
    assert said.endswith("2027-01-15T08:00:00.000Z retrying nlp wait_ms=900")


def test_a_program_gets_the_task_id_that_celery_knows_and_none_of_a_step_never_sent() -> None:
    nlp, data = as_json(SEEN)["steps"]
    assert (nlp["task_id"], nlp["due_at"]) == (f"{'f' * 32}.nlp.0.3", "2027-01-15T08:00:05.250Z")
    assert (data["task_id"], data["due_at"]) == (None, None)
