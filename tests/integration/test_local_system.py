"""`make run`, for real: every process of the stack, started, killed, stopped and started again by the one command."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psutil
import pytest
import requests

from core.settings import ROOT
from tests.processes import PORTS, LocalSystem, LocalValkey, gone, wait_for

pytestmark = [pytest.mark.live, pytest.mark.timeout(240)]
QUESTION = "average departure delay by carrier"
CHILDREN = ("valkey", "nlp", "data", "viz", "worker", "beat", "flower", "api")
ANSWER_LIMIT_S = 60


@pytest.fixture
def own_system(tmp_path: Path) -> Iterator[LocalSystem]:
    """A system that one test may stop or break for good."""
    running = LocalSystem(tmp_path)
    try:
        running.ready()
        yield running
    finally:
        running.teardown()


def ask(system: LocalSystem) -> dict[str, object]:
    reply = requests.post(f"{system.base_url}/api/query", json={"query": QUESTION}, timeout=ANSWER_LIMIT_S)
    reply.raise_for_status()
    answer: dict[str, object] = reply.json()
    return answer


def answered_by_celery(system: LocalSystem) -> bool:
    """Whether a question is answered whole, through the queue; False while some part is away."""
    try:
        answer = ask(system)
    except requests.RequestException:
        return False
    return answer["status"] == "SUCCEEDED" and answer["path"] == "celery"


def everything(system: LocalSystem) -> list[psutil.Process]:
    """All processes below the command, supervisord and grandchildren too."""
    return psutil.Process(system.process.pid).children(recursive=True)


def run_deploy(module: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", module, *arguments], cwd=ROOT, env={**os.environ, **environment},
                          capture_output=True, text=True, timeout=120, check=False)


def test_it_answers_a_real_question(system: LocalSystem) -> None:
    answer = ask(system)
    assert answer["status"] == "SUCCEEDED"
    assert answer["path"] == "celery"
    result = answer["result"]
    assert isinstance(result, dict)
    assert result["row_count"] == len(result["data"]) > 5
    assert {"carrier"} <= set(result["data"][0])


@pytest.mark.parametrize("name", CHILDREN)
def test_a_killed_process_comes_back_and_the_next_question_is_answered(system: LocalSystem, name: str) -> None:
    before = system.pids()[name]
    begin = time.monotonic()
    psutil.Process(before).kill()
    wait_for(lambda: system.pids().get(name, 0) not in {0, before}, f"{name} to be started again", limit_s=5)
    assert time.monotonic() - begin < 3
    wait_for(lambda: answered_by_celery(system), f"an answer after the end of {name}")
    wait_for(lambda: f"(was pid {before})" in system.logs(), "the line that tells of it")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_ends_everything_in_time_with_the_store_last(tmp_path: Path, number: signal.Signals) -> None:
    system = LocalSystem(tmp_path)
    try:
        system.ready()
        running, store = everything(system), system.pids()["valkey"]
        assert len(running) >= len(CHILDREN) + 1
        begin = time.monotonic()
        system.process.send_signal(number)
        exit_code = system.process.wait(15)
        took_s = time.monotonic() - begin
    finally:
        system.teardown()
    stopped = re.findall(r"stopped: (\w+)", (system.folder / "logs" / "supervisord.log").read_text())
    assert exit_code == 0, system.logs()
    assert took_s < 10
    assert [one for one in running if not gone(one.pid)] == []
    assert sorted(stopped) == sorted(CHILDREN)
    assert stopped[-1] == "valkey", store


def test_a_second_start_keeps_the_data(own_system: LocalSystem) -> None:
    workflow = ask(own_system)["workflow_id"]
    own_system.restart()
    reply = requests.get(f"{own_system.base_url}/api/workflow/{workflow}", timeout=10)
    assert reply.status_code == 200
    assert reply.json()["status"] == "SUCCEEDED"
    assert reply.json()["result"]["row_count"] > 5


def test_nothing_outlives_a_killed_command(own_system: LocalSystem) -> None:
    running = everything(own_system)
    os.kill(own_system.process.pid, signal.SIGKILL)
    wait_for(lambda: all(gone(one.pid) for one in running), "all processes to end", limit_s=12)


def test_nothing_outlives_a_killed_supervisor(own_system: LocalSystem) -> None:
    running = everything(own_system)
    os.kill(own_system.supervisor_pid, signal.SIGKILL)
    wait_for(lambda: all(gone(one.pid) for one in running), "all processes to end", limit_s=5)
    assert own_system.process.wait(10) == 1
    assert "supervisord ended by itself" in own_system.logs()


def test_a_second_command_with_the_same_folder_is_refused(system: LocalSystem) -> None:
    refused = run_deploy("deploy.local", BATON_DIR=str(system.folder))
    assert refused.returncode == 1
    assert refused.stderr == (f"Baton already runs with the data in {system.folder}. "
                              "Stop it, or set BATON_DIR to another folder.\n")


@pytest.mark.parametrize(("name", "title"), [("api", "API"), ("valkey", "Valkey"), ("flower", "Flower")])
def test_a_port_in_use_is_told_before_anything_starts(
        tmp_path: Path, system: LocalSystem, name: str, title: str) -> None:
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        free = {f"{one.upper()}_PORT": value for one, value in zip(PORTS, _free_text_ports(), strict=True)}
        refused = run_deploy("deploy.local", **{**free, f"{name.upper()}_PORT": str(port), "REDIS_URL": ""},
                             BATON_DIR=str(tmp_path / "baton"))
    setting = f"{name.upper()}_PORT"
    assert refused.returncode == 1
    assert refused.stderr.startswith(f"Port {port} ({title}) is in use. Set {setting} to a free one: {setting}=")
    assert refused.stderr.count("\n") == 1
    assert refused.stdout == ""


def _free_text_ports() -> list[str]:
    from tests.processes import free_ports

    return [str(port) for port in free_ports(len(PORTS))]


def test_a_setting_that_makes_no_sense_is_named() -> None:
    refused = run_deploy("deploy.local", API_PORT="eight")
    assert refused.returncode == 1
    assert refused.stderr.startswith("API_PORT: ")
    assert refused.stderr.count("\n") == 1


def test_a_given_store_is_used_and_none_is_embedded(tmp_path: Path, valkey: LocalValkey) -> None:
    system = LocalSystem(tmp_path, {"REDIS_URL": valkey.url})
    try:
        system.ready()
        workflow = str(ask(system)["workflow_id"])
        assert sorted(system.pids()) == sorted(set(CHILDREN) - {"valkey"})
        assert valkey.client.keys(f"*{workflow}*")
    finally:
        system.teardown()
    assert valkey.client.ping()


def test_asking_in_a_shell_shows_the_steps_the_rows_and_saves_the_chart(system: LocalSystem) -> None:
    asked = _ask_in_shell(system, QUESTION)
    assert asked.returncode == 0, asked.stdout + asked.stderr
    for expected in (r"nlp +\S*RUNNING", r"viz +\S*SUCCEEDED", "carrier", "Understood", "SELECT", "Chart"):
        assert re.search(expected, asked.stdout), f"{expected} not in\n{asked.stdout}"
    (chart,) = re.findall(r"\S+\.png(?= )", asked.stdout)
    assert Path(chart).read_bytes().startswith(b"\x89PNG")


def test_a_question_nobody_can_answer_is_explained_in_a_shell(system: LocalSystem) -> None:
    asked = _ask_in_shell(system, "what is the meaning of life")
    assert asked.returncode == 1
    assert "No answer:" in asked.stdout
    assert "What to do" in asked.stdout


def test_asking_without_a_system_says_so_in_one_line() -> None:
    (port,) = _free_text_ports()[:1]
    asked = run_deploy("deploy.ask", QUESTION, API_PORT=port)
    assert asked.returncode == 1
    assert f"Nothing answers at http://127.0.0.1:{port}. Start the system with: make run" in asked.stdout


def _ask_in_shell(system: LocalSystem, question: str) -> subprocess.CompletedProcess[str]:
    return run_deploy("deploy.ask", question, API_PORT=str(system.ports["api"]), BATON_DIR=str(system.folder),
                      COLUMNS="160")


def test_every_address_and_the_question_on_the_signpost_work(system: LocalSystem) -> None:
    for url in re.findall(r"http://\S+", system.logs_since_start()):
        assert requests.get(url, timeout=10).ok, url
    (suggested,) = re.findall(r'make ask Q="(.+?)"', system.logs_since_start())
    assert _ask_in_shell(system, suggested).returncode == 0
