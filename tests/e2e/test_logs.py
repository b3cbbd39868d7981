"""One workflow, followed by its id through the logs of all processes."""

import re

import requests

from tests.processes import LocalSystem, wait_for

COLOURS = re.compile(r"\x1b\[[0-9;]*m")
STEPS = {"nlp": "nlp", "data": "data", "viz": "viz"}


def lines_of(system: LocalSystem, workflow_id: str) -> dict[str, list[str]]:
    """The lines of each process that carry the id."""
    found = {log.stem: [line for line in COLOURS.sub("", log.read_text()).splitlines()
                        if f"workflow_id={workflow_id}" in line] for log in (system.folder / "logs").glob("*.log")}
    return {process: lines for process, lines in found.items() if lines}


def test_a_workflow_is_followed_through_every_process_by_its_id(system: LocalSystem) -> None:
    body = {"query": "average arrival delay by month"}
    answer = requests.post(f"{system.base_url}/api/query", json=body, timeout=60).json()
    assert answer["status"] == "SUCCEEDED"
    workflow_id = answer["workflow_id"]
    wait_for(lambda: lines_of(system, workflow_id).keys() >= {"api", "worker", *STEPS}, "its lines", 10)
    wait_for(lambda: len(lines_of(system, workflow_id)["worker"]) >= 2 * len(STEPS), "the worker's lines", 10)
    lines = lines_of(system, workflow_id)
    assert "workflow_accepted" in lines["api"][0]
    for step in STEPS:
        of_step = [line for line in lines["worker"] if re.search(rf"\bstep={step}\b", line)]
        assert ["step_begun" in line or "step_succeeded" in line for line in of_step] == [True, True]
        assert all("attempt=1" in line for line in [*of_step, *lines[step]])
        assert all(re.search(rf"\bstep={step}\b", line) for line in lines[step])
        assert "call_answered" in lines[step][-1]
