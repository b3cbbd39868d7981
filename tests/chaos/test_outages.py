"""Agents are away, dead, or hang, under a steady load: every question ends, with an answer if there can be one."""

from collections.abc import Iterator

import pytest

from state.model import Mode, StepStatus
from tests.chaos.ailments import dead, hangs
from tests.chaos.asking import Asker
from tests.chaos.outage import Size, run_outages
from tests.chaos.stage import Stage, stage_of

SEED = 20_260_102
RECOVERY_S, THRESHOLD, VIEW_S = 1.0, 5, 0.25
SLOTS, PER_S = 10, 20.0


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    rests = {f"{name}_BREAKER_RECOVERY_S": str(RECOVERY_S) for name in ("NLP", "DATA", "VIZ")}
    rests["BREAKER_SPREAD_S"] = "1"
    with stage_of(tmp_path_factory.mktemp("stage"), rests, SLOTS) as stage:
        yield stage


def test_each_agent_is_away_for_a_moment_and_every_question_is_answered(stage: Stage) -> None:
    after, outages = run_outages(stage, Size(0.6, PER_S, apart_s=0.5, pool=20, settle_s=30), SEED, print)
    assert all(trace.answered for trace in after.traces if trace.asked.mode is Mode.BACKGROUND or trace.asked.warm)
    assert all(trace.record.status == "SUCCEEDED" for trace in after.traces
               if trace.asked.mode is Mode.BACKGROUND and not trace.asked.warm)
    for outage in outages:
        assert after.opened(outage.agent)
        assert outage.calls_per_step(after) <= 1.3
        assert set(after.steps_touched(outage.agent)) == {StepStatus.SUCCEEDED}


def test_a_dead_agent_gets_what_was_in_flight_and_then_one_probe_in_a_recovery_time(stage: Stage) -> None:
    in_flight = 2 * SLOTS
    found = dead(stage, Asker(stage, PER_S, SEED, pool=20), in_flight=in_flight, call_s=0.6, lasts_s=4.5)
    assert THRESHOLD < found.calls_before + found.calls_late <= in_flight + THRESHOLD + PER_S * VIEW_S
    assert max(found.calls_of_each_period) <= 1
    assert min(found.periods_s) >= RECOVERY_S
    assert all(trace.answered for trace in found.after.traces
               if trace.asked.mode is Mode.BACKGROUND or trace.asked.warm)


def test_questions_stuck_at_an_agent_end_at_their_deadline(stage: Stage) -> None:
    traces = hangs(stage, questions=18, deadline_s=2.0)
    late_ms = [(trace.record.finished_ms or 0) - trace.record.deadline_ms for trace in traces]
    assert max(late_ms) <= 500 + 250 + 250, "half a second, one look, and a moment for a busy machine"
    assert {trace.record.status for trace in traces} <= {"FAILED", "DEGRADED"}
