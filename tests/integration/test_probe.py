"""The containers' health check, on a real Valkey and a real server."""

import socket
import subprocess
import sys

import pytest

from core.settings import ROOT
from deploy import probe
from state import keys
from tests.here import settings_here
from tests.scripted_agent import STANDARD, ScriptedAgent

NODE = f"data@{socket.gethostname()}"


@pytest.fixture
def client(valkey):
    with settings_here(valkey.url):
        yield valkey.client
        valkey.client.delete(keys.WORKERS, probe.BEAT_LOCK)


def test_a_worker_is_well_as_long_as_it_looks_for_overdue_steps(client):
    now_s, _ = client.time()
    client.zadd(keys.WORKERS, {f"data@elsewhere-{NODE}": now_s * 1000})
    assert probe.worker("data") == f"{NODE} was never seen at work"
    client.zadd(keys.WORKERS, {NODE: now_s * 1000})
    assert probe.worker("data") == ""
    client.zadd(keys.WORKERS, {NODE: (now_s - 30) * 1000})
    assert probe.worker("data").startswith(f"{NODE} was last seen at work 3")


def test_beat_is_well_while_one_holds_the_schedule(client):
    assert probe.beat() == "no beat holds the schedule"
    client.set(probe.BEAT_LOCK, "x")
    assert probe.beat() == ""


def test_nobody_is_well_without_valkey():
    with settings_here("redis://127.0.0.1:1/0"):
        assert probe.worker("data").startswith("Valkey: ")
        assert probe.beat().startswith("Valkey: ")


def test_a_server_is_well_when_it_answers_200():
    with ScriptedAgent(STANDARD).serving() as agent:
        assert probe.http(f"{agent.url}/health") == ""
        agent.healthy = False
        assert "500" in probe.http(f"{agent.url}/health")
    assert probe.http("http://127.0.0.1:1/health").startswith("http://127.0.0.1:1/health: ")


def test_its_exit_code_is_what_docker_asks_for():
    done = subprocess.run([sys.executable, "-m", "deploy.probe", "http", "http://127.0.0.1:1/"], cwd=ROOT, check=False,
                          capture_output=True, text=True)
    assert (done.returncode, done.stdout.startswith("http://127.0.0.1:1/: ")) == (1, True)
