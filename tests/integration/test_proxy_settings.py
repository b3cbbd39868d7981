"""A machine behind a proxy: the way to our own agents leads through none."""

import pytest

from agents.client import fetch_examples
from agents.health import HealthStatus, check_health
from agents.registry import AgentSpec, RetryPolicy
from deploy.client import ApiClient
from deploy.local import readiness
from tests.scripted_agent import STANDARD, ScriptedAgent


@pytest.fixture
def agent(monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    with ScriptedAgent(STANDARD).serving() as scripted:
        yield scripted


def test_health_examples_and_probes_go_straight_to_the_agent(agent):
    spec = AgentSpec("nlp", agent.url, "/process", 5.0, RetryPolicy(1, 1, 1))
    assert check_health(spec).status is HealthStatus.HEALTHY
    assert fetch_examples(spec) == []
    assert readiness.http(f"{agent.url}/health") == ""


def test_the_shell_s_client_goes_straight_to_the_api(agent):
    with ApiClient(agent.url) as client:
        assert client._send("GET", "/health").ok
