"""The check-up on real processes: all well, nobody at work, a server that forgets, and none at all."""

import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from fastapi.testclient import TestClient

from api.app import create_app
from core.settings import ROOT
from tests.here import settings_here
from tests.processes import LocalSystem, LocalValkey, wait_for


def told(reply: Any) -> dict[str, tuple[str, str]]:
    """Level and advice of each subject."""
    return {check["subject"]: (check["level"], check["advice"]) for check in reply.json()["checks"]}


def test_a_system_that_runs_is_well(system: LocalSystem) -> None:
    url = f"{system.base_url}/health/ready"

    not_well: list[Any] = []

    def well() -> bool:
        not_well[:] = [check for check in requests.get(f"{url}?verbose", timeout=20).json()["checks"]
                       if check["level"] != "ok"]
        return not not_well

    try:
        wait_for(well, "beat's first checks", 20)
    except AssertionError:
        pytest.fail(f"not well: {not_well}")
    assert requests.get(url, timeout=20).json() == {"status": "ready"}
    done = subprocess.run([sys.executable, "-m", "deploy.doctor"], cwd=ROOT, capture_output=True, text=True,
                          check=False, timeout=60, env={**os.environ, **system.environment, "COLUMNS": "200"})
    assert done.returncode == 0, done.stdout + done.stderr
    assert "All is well." in done.stdout
    assert {"nlp contract", "data contract", "viz contract", "beat", "queues"} <= {
        line[7:].partition("  ")[0] for line in done.stdout.splitlines()}


@pytest.fixture
def api(valkey: LocalValkey) -> Iterator[TestClient]:
    agents = {f"{name}_AGENT_URL": "http://127.0.0.1:9" for name in ("NLP", "DATA", "VIZ")}
    here = settings_here(valkey.url, NLP_TIMOUT_S="3", **agents)
    with here, TestClient(create_app(), client=("127.0.0.1", 1)) as client:
        yield client


def test_each_thing_that_is_missing_is_told_with_what_to_do(api: TestClient, valkey: LocalValkey) -> None:
    valkey.client.config_set("maxmemory-policy", "allkeys-lru")
    try:
        reply = api.get("/health/ready?verbose")
    finally:
        valkey.client.config_set("maxmemory-policy", "noeviction")
    assert reply.status_code == 200
    assert reply.json()["level"] == "fail"
    found = told(reply)
    assert {subject for subject, (level, _) in found.items() if level == "fail"} == {
        "valkey", "workers", "queue baton", "queue agents.compose", "queue agents.nlp", "queue agents.data",
        "queue agents.viz", "beat", "agent nlp", "agent data", "agent viz"}
    assert found["settings"] == ("warn", "Did you mean NLP_TIMEOUT_S?")
    assert all(advice for _, advice in found.values())


def test_without_valkey_it_says_so_and_still_looks_at_the_rest(api: TestClient, valkey: LocalValkey) -> None:
    valkey.kill()
    try:
        reply = api.get("/health/ready?verbose")
    finally:
        valkey.restart()
    assert reply.status_code == 503
    found = told(reply)
    assert found["valkey"][0] == "fail"
    assert set(found) == {"settings", "valkey", "agent nlp", "agent data", "agent viz"}


def test_only_a_plain_wish_is_understood(api: TestClient) -> None:
    assert api.get("/health/ready?verbose=perhaps").status_code == 422
