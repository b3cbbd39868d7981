"""The benchmark's own processes do what they are told: an asker answers in JSON, and its worker tells no events."""

from contextlib import ExitStack
from pathlib import Path

from bench import processes
from bench.contenders import Contender
from bench.stage import set_up


def test_a_stage_without_task_events_answers(tmp_path: Path) -> None:
    with ExitStack() as stack:
        agent, url = processes.agent(tmp_path)
        stack.enter_context(agent)
        stage = set_up(Contender.BATON_SILENT, tmp_path / "silent", f"{url}/0", 20, stack)
        assert len(stage.asker.order(order="alone", count=3)["took_s"]) == 3
        assert stage.worker is not None
        assert "task events: OFF" in stage.worker.log.read_text()
