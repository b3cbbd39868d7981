"""SIGTERM: a worker finishes what it runs and hands back what it only holds; nothing waits for a lease."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.question import Question, plan_workflow
from state.events import EventKind
from state.model import NewWorkflow, StepStatus, WorkflowStatus
from tests.chaos.arena import Arena, Shape
from tests.processes import wait_for

SLOTS = 2
LEASE_S = 60  # whoever waited for one would be too late
WITHIN_S = 20.0


@pytest.fixture(params=["gevent", "prefork", "threads"])
def arena(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Arena]:
    """One worker with two slots; agents that do as they are told."""
    shape = Shape(pool=request.param, workers=1, concurrency=SLOTS, apis=0, beats=0, settings={"LEASE_S": str(LEASE_S)})
    with Arena(tmp_path, shape) as arena:
        yield arena.ready()


def test_a_worker_that_is_asked_to_stop_leaves_nothing_to_a_lease(arena: Arena) -> None:
    retrying, *running = [plan_workflow(Question(name)) for name in ("retrying", "running", "running too")]
    waiting = [plan_workflow(Question(f"held {number}")) for number in range(SLOTS)]
    arena.told(retrying.workflow_id, "nlp", "503")
    arena.send(retrying)
    reach(arena, retrying, StepStatus.RETRYING)
    arena.told(retrying.workflow_id, "nlp", None)
    for workflow in running:
        arena.told(workflow.workflow_id, "nlp", "hold")
        arena.send(workflow)
        reach(arena, workflow, StepStatus.RUNNING)
    for workflow in waiting:
        arena.send(workflow)
    reach(arena, waiting[0], StepStatus.HELD)
    (stopping,) = arena.processes["worker"]

    stopping.process.terminate()
    wait_for(lambda: "Warm shutdown" in stopping.logs(), "the stop to begin", WITHIN_S)
    for workflow in running:
        arena.told(workflow.workflow_id, "nlp", None)
    stopping.process.wait(WITHIN_S)
    other = arena.worker()
    try:
        other.ready()
        everything = [retrying, *running, *waiting]
        wait_for(lambda: all(arena.record(one).status.final for one in everything), "all answers", WITHIN_S)
    finally:
        other.teardown()
    assert {arena.record(one).status for one in everything} == {WorkflowStatus.SUCCEEDED}
    histories = [arena.events(one.workflow_id) for one in everything]
    lost = {EventKind.RESENT, EventKind.TAKEN_OVER}
    assert [event for history in histories for event in history if event.kind in lost] == []
    assert all(arena.calls_per_step()[f"{one.workflow_id}:nlp:0"] == 1 for one in [*running, *waiting])


def reach(arena: Arena, workflow: NewWorkflow, status: StepStatus) -> None:
    wait_for(lambda: arena.record(workflow).steps["nlp"].status is status, f"nlp to be {status}", WITHIN_S)
