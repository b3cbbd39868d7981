"""Real processes: none listens beyond this machine without keys, Flower asks for its own, and no log shows a secret."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from api.access.keys import add_key, new_key
from api.access.roles import Role
from core.settings import ROOT
from tests.chaos.arena import LocalApi
from tests.processes import LocalAgent, LocalProcess, LocalValkey, answers, free_ports

EVERYWHERE = "0.0.0.0"  # noqa: S104 - refused
SERVERS = {"api": "API_KEYS_FILE", "agents.nlp": "AGENT_KEY", "agents.data": "AGENT_KEY", "agents.viz": "AGENT_KEY",
           "celery -A tasks flower": "FLOWER_BASIC_AUTH", "deploy.local": "API_KEYS_FILE"}
UNSET = dict.fromkeys(("API_KEYS_FILE", "API_KEY", "AGENT_KEY", "FLOWER_BASIC_AUTH"), "")


class LocalFlower(LocalProcess):
    """Flower, as `make run` starts it."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        (port,) = free_ports(1)
        self.url = f"http://127.0.0.1:{port}"
        super().__init__([sys.executable, "-m", "celery", "-A", "tasks", "flower"], folder,
                         {**environment, "FLOWER_PORT": str(port)})

    def up(self) -> bool:
        return answers(f"{self.url}/healthcheck")


@pytest.fixture(scope="module")
def secrets_kept(valkey: LocalValkey, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, str], str]:
    """The environment of a system with keys, and an admin's key."""
    file = tmp_path_factory.mktemp("keys") / "keys"
    key, presented = new_key("ann", Role.ADMIN)
    add_key(file, key)
    return {"REDIS_URL": valkey.url, "API_KEYS_FILE": str(file), "AGENT_KEY": "canary-agent", "LOG_LEVEL": "DEBUG",
           "FLOWER_BASIC_AUTH": "ann:canary-flower"}, presented


def test_no_server_listens_beyond_this_machine_without_its_keys(tmp_path: Path) -> None:
    environment = {**os.environ, **UNSET, "BIND_HOST": EVERYWHERE, "BATON_DIR": str(tmp_path)}

    def run(name: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([sys.executable, "-m", *name.split()], cwd=ROOT, env=environment, text=True, timeout=30,
                              capture_output=True, check=False)

    with ThreadPoolExecutor() as pool:
        ended = list(pool.map(run, SERVERS))
    for name, process in zip(SERVERS, ended, strict=True):
        said = process.stderr
        assert process.returncode != 0, name
        assert f"BIND_HOST is {EVERYWHERE}" in said, said
        assert SERVERS[name] in said
        assert "Traceback" not in said


def test_a_log_shows_no_secret(secrets_kept: tuple[dict[str, str], str], tmp_path: Path) -> None:
    environment, presented = secrets_kept
    secret = presented.partition(".")[2]
    api = LocalApi(tmp_path, environment)
    try:
        api.ready()
        headers = {"Authorization": f"Bearer {presented}"}
        session = requests.Session()
        replies = [
            requests.get(f"{api.url}/api/workflow", headers=headers, timeout=10),
            requests.get(f"{api.url}/api/workflow", headers={"Authorization": f"Bearer ann.x{secret}"}, timeout=10),
            requests.post(f"{api.url}/api/workflow/cancel", json={"ids": ["0" * 32]}, headers=headers, timeout=10),
            session.post(f"{api.url}/login", data={"key": presented}, timeout=10, allow_redirects=False),
            session.get(f"{api.url}/api/workflow", timeout=10),
            requests.post(f"{api.url}/login", data={"key": f"{presented}x"}, timeout=10),
        ]
        assert [reply.status_code for reply in replies] == [200, 401, 200, 303, 200, 401]
        assert "admin_action" in api.logs()
        shown = api.logs() + "".join(reply.text for reply in replies)
        assert secret not in shown
        assert session.cookies["baton_login"] not in shown
        assert "canary" not in shown
    finally:
        api.teardown()


def test_flower_asks_for_its_credentials_on_pages_and_api(
    secrets_kept: tuple[dict[str, str], str], tmp_path: Path
) -> None:
    flower = LocalFlower(tmp_path, secrets_kept[0])
    try:
        flower.ready()
        places = "/tasks", "/workers", "/api/workers", "/api/tasks"
        assert {requests.get(flower.url + place, timeout=10).status_code for place in places} == {401}
        wrong = requests.post(f"{flower.url}/api/task/revoke/{'0' * 32}", auth=("ann", "wrong"), timeout=10)
        assert wrong.status_code == 401
        known = [requests.get(flower.url + place, auth=("ann", "canary-flower"), timeout=10) for place in places]
        assert {reply.status_code for reply in known} == {200}
    finally:
        flower.teardown()
    assert "canary" not in flower.logs()


def test_an_agent_with_a_key_answers_nobody_without_it(
    secrets_kept: tuple[dict[str, str], str], tmp_path: Path
) -> None:
    agent = LocalAgent("viz", tmp_path, secrets_kept[0])
    try:
        agent.ready()  # its health is open
        body = {"query": "x", "query_id": "x", "data": [{"carrier": "AA", "flights": 3}], "columns": []}
        for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "canary-agent"}):
            refused = requests.post(f"{agent.url}/visualize", json=body, headers=headers, timeout=10)
            assert (refused.status_code, refused.json()["error"]["error_type"]) == (401, "rejected")
        shown = requests.post(f"{agent.url}/visualize", json=body, timeout=10,
                              headers={"Authorization": "Bearer canary-agent"})
        assert (shown.status_code, shown.json()["success"]) == (200, True)
        assert "Server" not in shown.headers
    finally:
        agent.teardown()
    assert "canary" not in agent.logs()
