"""Celery's command for whoever is on call: `docs/cli.md` as it stands, and what it promises."""

import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from celery.worker.control import Panel

from core.settings import ROOT
from state import keys
from state.control import cancel
from state.events import Event, EventKind
from state.model import StepStatus, WorkflowStatus
from tasks import remote_control  # noqa: F401 - it makes the commands known
from tests.celery_shell import CeleryShell, celery_shell
from tests.floor import Floor, floor_of
from tests.processes import AGENTS, LocalProcess, LocalValkey, LocalWorker, answers, free_ports, wait_for
from tests.scripted_agent import STANDARD, Reply
from tests.transcript import ID, examples, invariable

PAGE = (ROOT / "docs" / "cli.md").read_text()
OURS = {"workflow": "inspect", "pause": "control", "resume": "control", "cancel_workflow": "control",
        "revoke": "control", "terminate": "control"}


@pytest.fixture(scope="module")
def floor(valkey: LocalValkey, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Floor]:
    with floor_of(valkey, tmp_path_factory.mktemp("cli")) as floor:
        yield floor
        floor.agent.release()


@pytest.fixture(scope="module")
def shell(floor: Floor) -> Iterator[CeleryShell]:
    with celery_shell(floor.environment) as shell:
        yield shell


def held(floor: Floor, pool: str = "threads") -> str:
    """A workflow whose nlp call runs and is not answered."""
    floor.worker(pool)
    floor.agent.script("/process", Reply(STANDARD["/process"], until=floor.agent.released))
    workflow_id = floor.ask("top 5 destinations by flights")
    floor.running(workflow_id, "nlp")
    return workflow_id


def events(floor: Floor, workflow_id: str) -> list[Event]:
    return [Event.of_entry(*entry) for entry in floor.client.xrange(keys.events(workflow_id))]


def actors(floor: Floor, workflow_id: str, kind: EventKind) -> list[str]:
    return [event.data["actor"] for event in events(floor, workflow_id) if event.kind is kind]


def test_the_page_names_the_commands_there_are() -> None:
    rows = [shlex.split(line.split("`")[1])[3:] for line in PAGE.splitlines() if line.startswith("| `celery")]
    panel = {tuple(row) for row in rows if row[0] in ("inspect", "control")}
    assert {(kind, name) for name, kind in OURS.items()} <= panel
    assert all(Panel.meta[name].type == kind and Panel.meta[name].help for kind, name in panel)
    assert {row[0] for row in rows} == {"status", "inspect", "control", "result"}
    shown = {tuple(shlex.split(example.command)[3:5]) for example in examples(PAGE)}
    assert panel <= shown


def test_the_shell_lists_them_with_help(shell: CeleryShell) -> None:
    for kind in ("inspect", "control"):
        _, listed = shell.run(kind, "--list")
        assert all(name in listed for name, its in OURS.items() if its == kind)


def test_the_page_s_examples_print_what_they_say(floor: Floor, shell: CeleryShell, valkey: LocalValkey) -> None:
    """In the page's order; workflows in the order in which the page names them. The last one no worker hears of."""
    first, second, third, fourth, fifth = dict.fromkeys(ID.findall("\n".join(e.command for e in examples(PAGE))))
    floor.agent.reset(STANDARD)
    ended = floor.ask() if floor.worker("threads") else ""
    floor.ended(ended)
    real = {first: held(floor), second: held(floor), third: held(floor), fourth: ended}
    code = 0
    for number, example in enumerate(examples(PAGE)):
        if fifth in example.command and fifth not in real:
            floor.no_worker()
            real[fifth] = floor.ask("never mind")
        elif fifth in example.command:
            assert floor.record(real[fifth]).status is WorkflowStatus.CANCELLED
            valkey.kill()
        if example.command == "echo $?":
            printed = str(code)
        else:
            code, printed = shell.run(*shlex.split(with_ids(example.command, real))[3:])
        printed = with_ids(printed, {mine: its for its, mine in real.items()})
        # Sorted: a worker tells its calls in any order.
        assert sorted(invariable(printed)) == sorted(invariable(example.output)), f"{number}: {example.command}"
    valkey.start()
    valkey.ready()
    said = [event.data["reason"] for event in events(floor, real[first]) if "actor" in event.data]
    assert said == ["the data agent is being moved", "", "wrong month"]
    floor.worker("threads")
    behind = floor.ended(floor.ask("behind them"))
    assert behind.status is WorkflowStatus.SUCCEEDED
    assert {floor.record(real[one]).status for one in (first, second, third, fifth)} == {WorkflowStatus.CANCELLED}
    assert real[fifth] not in {call.headers["X-Workflow-Id"] for call in floor.agent.calls}


def with_ids(text: str, by: dict[str, str]) -> str:
    return ID.sub(lambda found: by.get(found[0], found[0]), text)


def test_what_is_not_ours_goes_to_celery(floor: Floor, shell: CeleryShell) -> None:
    worker = floor.worker("threads")
    code, printed = shell.run("control", "revoke", "-t", "0.5", "somebody-else-s-task")
    assert code == 0
    assert f"{worker.hostname}: OK" in printed
    assert "flagged as revoked" in printed


@pytest.mark.parametrize("words", [["terminate"], ["revoke"], ["pause"]])
def test_a_command_without_an_id_is_refused(shell: CeleryShell, words: list[str]) -> None:
    code, printed = shell.run("control", *words)
    assert code == 1
    assert "id is missing" in printed


def test_a_worker_that_was_not_told_stops_its_call_by_itself(floor: Floor) -> None:
    workflow_id = held(floor)
    task_id = f"{workflow_id}.nlp.0.1"
    floor.store.run(cancel(workflow_id, actor="ann", reason="", ttl_s=60))

    def active() -> dict | None:
        return floor.app.control.inspect(timeout=5, limit=1).active()

    wait_for(lambda: (told := active()) and task_id not in str(told), "the call to end", 10)
    assert floor.record(workflow_id).steps["nlp"].status is StepStatus.CANCELLED


class Flower(LocalProcess):
    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        (port,) = free_ports(1)
        self.url = f"http://127.0.0.1:{port}"
        super().__init__([sys.executable, "-m", "celery", "-A", "tasks", "flower", "--address=127.0.0.1",
                          f"--port={port}"], folder, {**environment, "FLOWER_UNAUTHENTICATED_API": "true"})

    def up(self) -> bool:
        return answers(f"{self.url}/healthcheck")


@pytest.fixture
def flower(floor: Floor, tmp_path: Path) -> Iterator[Flower]:
    flower = Flower(tmp_path, floor.environment)
    try:
        flower.ready()
        yield flower
    finally:
        flower.teardown()


def test_flower_s_revoke_cancels_the_workflow_and_all_its_steps(floor: Floor, flower: Flower) -> None:
    terminated, revoked = held(floor), held(floor)
    assert requests.post(f"{flower.url}/api/task/revoke/{terminated}?terminate=true", timeout=10).ok
    button = requests.post(f"{flower.url}/api/task/revoke/{revoked}.nlp.0.1", data={"terminate": "false"}, timeout=10)
    assert button.json() == {"message": f"Revoked '{revoked}.nlp.0.1'"}
    for one in (terminated, revoked):
        record = floor.record(one)
        assert record.status is WorkflowStatus.CANCELLED
        assert {step.status for step in record.steps.values()} == {StepStatus.CANCELLED}
        assert actors(floor, one, EventKind.CANCEL_REQUESTED) == ["celery"]


def hears(flower: Flower, worker: LocalWorker) -> None:
    """Wait until it gets the worker's events: the worker says every two seconds that it lives."""
    def known() -> bool:
        return worker.hostname in requests.get(f"{flower.url}/workers?json=1", timeout=10).text

    wait_for(known, "Flower to hear the worker", 15)


def task(flower: Flower, task_id: str) -> dict[str, Any]:
    """What Flower knows of a task; nothing before it has heard of it."""
    reply = requests.get(f"{flower.url}/api/task/info/{task_id}", timeout=10)
    return reply.json() if reply.ok else {}


def test_flower_lists_each_call_by_its_agent_under_its_workflow(floor: Floor, flower: Flower) -> None:
    hears(flower, floor.worker("threads"))
    floor.agent.reset(STANDARD)
    workflow_id = floor.ask("flights per carrier")
    floor.ended(workflow_id)
    wait_for(lambda: task(flower, f"{workflow_id}.viz.0.1").get("state") == "SUCCESS", "Flower to hear of it", 10)
    listed = requests.get(f"{flower.url}/api/tasks?state=SUCCESS&limit=100", timeout=10).json()
    mine = {one["name"]: one for one in listed.values() if one["root_id"] == workflow_id}
    assert mine.keys() == {"agents.nlp", "agents.data", "agents.viz"}
    assert {name: one["uuid"] for name, one in mine.items()} == {
        f"agents.{step}": f"{workflow_id}.{step}.0.1" for step in AGENTS}
    page = requests.get(f"{flower.url}/task/{workflow_id}.data.0.1", timeout=10).text
    assert all(word in page for word in ("agents.data", "SUCCESS", workflow_id))


@pytest.mark.parametrize("pool", ["threads", "gevent"])
def test_what_flower_revokes_it_lists_as_revoked(floor: Floor, flower: Flower, pool: str) -> None:
    hears(flower, floor.worker(pool))
    task_id = f"{held(floor, pool)}.nlp.0.1"
    wait_for(lambda: task(flower, task_id).get("state") == "STARTED", "Flower to hear of the call", 10)
    assert requests.post(f"{flower.url}/api/task/revoke/{task_id}?terminate=true", timeout=10).ok
    wait_for(lambda: task(flower, task_id).get("state") == "REVOKED", "Flower to hear of its end", 10)
    assert floor.record(task_id.partition(".")[0]).status is WorkflowStatus.CANCELLED


def test_askers_without_our_control_class_and_many_workers_make_one_event(floor: Floor) -> None:
    revoked, paused = held(floor), held(floor)
    floor.another_worker("threads")
    floor.app.control.revoke(f"{revoked}.nlp.0.1", reply=True, timeout=5, limit=2)
    replies = [floor.app.control.broadcast("pause", {"workflow_id": paused, "reason": ["a", "b"]}, reply=True, limit=2,
                                           timeout=5) for _ in range(2)]
    assert all(answer["ok"]["status"] == "PAUSED" for reply in replies for one in reply for answer in one.values())
    (unknown, *_) = floor.app.control.broadcast("resume", {"workflow_id": "0" * 32}, reply=True, limit=1, timeout=5)
    assert "There is no workflow" in str(unknown)
    assert actors(floor, revoked, EventKind.CANCEL_REQUESTED) == ["celery"]
    assert actors(floor, paused, EventKind.PAUSED) == ["celery"]
    (looked, *_) = floor.app.control.broadcast("workflow", {"workflow_id": revoked}, reply=True, limit=1, timeout=20)
    assert next(iter(looked.values()))["status"] == "CANCELLED"
