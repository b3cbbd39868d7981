"""A worker that dies or stands still: its steps run again soon, and what was decided meanwhile stays decided."""

import time
from pathlib import Path

import pytest

from pipeline.question import Question, plan_workflow
from state import keys
from state.model import StepStatus
from tests.chaos.arena import Arena, Shape
from tests.chaos.recovery import kill_a_busy_worker
from tests.chaos.verdict import judge, settle
from tests.processes import wait_for

WITHIN_S = 8.0
UNCLAIMED_WITHIN_S = 12.0  # a grace of ten seconds, a look, and a moment for a busy machine
STOPPED_S = 15.0


@pytest.mark.timeout(120)
def test_the_steps_of_a_killed_worker_run_again_within_8_s_held_ones_too(tmp_path: Path) -> None:
    shape = Shape(pool="threads", concurrency=6, apis=1, beats=0, shortest_s=0.3, longest_s=0.7)
    recovery = kill_a_busy_worker(tmp_path, shape, wanted=8, note=print)
    assert recovery.stood["during the call"] > 0
    assert recovery.stood["held"] > 0
    assert len(recovery.claimed_waits_s) >= 8
    assert max(recovery.claimed_waits_s) < WITHIN_S, sorted(recovery.claimed_waits_s)
    assert max(recovery.waits_s) < UNCLAIMED_WITHIN_S, sorted(recovery.waits_s)
    assert recovery.verdict.faults == {}
    assert set(recovery.verdict.statuses) == {"SUCCEEDED"}


@pytest.mark.timeout(120)
def test_a_worker_that_stood_still_for_15_s_changes_nothing_that_was_decided(tmp_path: Path) -> None:
    """It stops in the middle of a call and with another step reserved; both end elsewhere; then it goes on."""
    with Arena(tmp_path, Shape(workers=1, concurrency=1, apis=0, beats=0)) as arena:
        arena.ready()
        (stopped,) = arena.processes["worker"]
        running, reserved = plan_workflow(Question("running")), plan_workflow(Question("reserved"))
        arena.told(running.workflow_id, "nlp", "hold")
        arena.send(running)
        wait_for(lambda: arena.record(running).steps["nlp"].status is StepStatus.RUNNING, "nlp to run", 20)
        arena.send(reserved)
        wait_for(lambda: arena.record(reserved).steps["nlp"].status is StepStatus.HELD, "nlp to be held", 20)
        frozen_at = time.monotonic()
        arena.freeze(stopped)
        other = arena.worker()
        try:
            wait_for(lambda: arena.record(running).steps["nlp"].takeovers == 1, "the takeover", 15)
            wait_for(lambda: arena.record(running).steps["nlp"].status is StepStatus.RUNNING, "the new claim", 15)
            arena.told(running.workflow_id, "nlp", None)
            settle(arena, 30)
            decided = everything_recorded(arena)
            wait_for(lambda: time.monotonic() - frozen_at > STOPPED_S, "the stop to be long enough")
            arena.resume(stopped)
            wait_for(lambda: "step_stale" in stopped.logs() or "call_stopped" in stopped.logs(), "it to be told", 15)
            third = plan_workflow(Question("afterwards"))
            other.kill()
            arena.send(third)
            settle(arena, 30)
            assert {name: value for name, value in everything_recorded(arena).items() if name in decided} == decided
            assert arena.record(third).status == "SUCCEEDED"  # by the one that stood still
            ids = [workflow.workflow_id for workflow in (running, reserved, third)]
            assert judge(arena, ids).faults == {}
            assert arena.calls_per_step()[f"{reserved.workflow_id}:nlp:0"] == 1
        finally:
            other.teardown()


def everything_recorded(arena: Arena) -> dict[str, object]:
    """Records, outputs and histories of all workflows there are."""
    ids = [raw.decode() for raw in arena.client.zrange(keys.BY_TIME, 0, -1)]
    return {one: (arena.client.hgetall(keys.record(one)), arena.client.hgetall(keys.outputs(one)), arena.events(one))
            for one in ids}
