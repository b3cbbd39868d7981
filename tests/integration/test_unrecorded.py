"""Valkey is away: questions are answered all the same, as fast as the agents are, and Celery takes over afterwards.

The agents take 100 ms each. What an answer costs beyond them is measured beside plain calls of the same agents.
"""

import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median

import pytest
import requests

from tests.direct_api import LocalApi
from tests.processes import AGENTS, LocalProcess, LocalValkey, LocalWorker, wait_for
from tests.timed_agent import TimedAgent

AGENT_MS = 100
QUESTIONS = 7
MOST = 1.10
BUSY_S = 0.015  # of a machine that other tests use as well


@dataclass
class Away:
    """An API, a worker and agents, whose Valkey is killed."""

    api: LocalApi
    agent: TimedAgent
    valkey: LocalValkey

    def ask(self, **headers: str) -> requests.Response:
        return requests.post(f"{self.api.url}/api/query", json={"query": "flights per month"}, headers=headers,
                             timeout=60)


@pytest.fixture(scope="module")
def away(valkey, tmp_path_factory) -> Iterator[Away]:
    folder = tmp_path_factory.mktemp("away")
    parts: list[LocalProcess] = [agent := TimedAgent(folder, AGENT_MS)]
    environment = {"REDIS_URL": valkey.url, **{f"{name.upper()}_AGENT_URL": agent.url for name in AGENTS}}
    parts += [api := LocalApi(folder, environment), LocalWorker(folder, environment)]
    try:
        for part in parts:
            part.ready()
        there = Away(api, agent, valkey)
        assert (there.ask().json()["path"], there.ask().json()["recorded"]) == ("celery", True)
        valkey.kill()
        yield there
    finally:
        for part in parts:
            part.discard()


def took_s(action) -> float:
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def test_from_the_second_question_on_an_answer_costs_what_the_agents_cost(away):
    first = away.ask()
    assert first.status_code == 200, first.text

    def answered() -> None:
        answer = away.ask().json()
        assert (answer["status"], answer["path"], answer["recorded"]) == ("SUCCEEDED", "direct", False)

    pairs = [(took_s(answered), took_s(away.agent.call_each)) for _ in range(QUESTIONS)]
    ours, theirs = (median(times) for times in zip(*pairs, strict=True))
    assert ours <= MOST * theirs + BUSY_S, f"{ours:.3f} s beside {theirs:.3f} s"


def test_a_server_that_stands_still_keeps_nobody_waiting_after_the_first(away):
    """It accepts connections and never answers: the worst way of being away."""
    away.valkey.start()
    away.valkey.ready()
    wait_for(lambda: away.ask().json()["recorded"], "the store to be used again", 20)
    away.valkey.process.send_signal(signal.SIGSTOP)
    try:
        assert away.ask().json()["recorded"] is False
        pairs = [(took_s(lambda: away.ask().raise_for_status()), took_s(away.agent.call_each)) for _ in range(5)]
    finally:
        away.valkey.kill()
    ours, theirs = (median(times) for times in zip(*pairs, strict=True))
    assert ours <= MOST * theirs + BUSY_S, f"{ours:.3f} s beside {theirs:.3f} s"


def test_the_answer_says_what_it_is_and_leads_nowhere(away):
    reply = away.ask(**{"Idempotency-Key": "once"})
    answer = reply.json()
    assert (answer["recorded"], answer["path"], len(answer["workflow_id"])) == (False, "direct", 32)
    assert answer["result"]["row_count"] == 12
    assert (answer["visualization"]["png_url"], answer["visualization"]["svg_url"]) == (None, None)
    assert answer["visualization"]["spec"]["mark"] == "bar"
    assert reply.headers["Idempotency-Kept"] == "false"
    assert "Location" not in reply.headers
    again = away.ask(**{"Idempotency-Key": "once"}).json()
    assert again["workflow_id"] != answer["workflow_id"]


def test_everything_else_says_when_to_come_back(away):
    later = away.ask(Prefer="respond-async")
    assert "kept for later" in later.json()["detail"]
    listed = requests.get(f"{away.api.url}/api/workflow", timeout=20)
    background = requests.post(f"{away.api.url}/api/workflow", json={"query": "flights"}, timeout=20)
    for reply in (later, listed, background):
        assert (reply.status_code, reply.json()["error_type"]) == (503, "store_unavailable")
        assert reply.headers["Retry-After"] == "2"


def test_the_page_shows_the_answer_in_place(away):
    page = requests.post(f"{away.api.url}/ask", data={"question": "flights per month"}, timeout=20,
                         allow_redirects=False)
    assert page.status_code == 200
    assert "Not recorded." in page.text
    assert "Flights by month" in page.text


def test_celery_takes_over_by_itself(away):
    pid = away.api.process.pid
    away.valkey.start()
    away.valkey.ready()
    wait_for(lambda: away.ask().json()["recorded"], "the store to be used again", 20)
    answers = [away.ask().json() for _ in range(3)]
    assert {(one["path"], one["status"], one["recorded"]) for one in answers} == {("celery", "SUCCEEDED", True)}
    assert away.api.process.pid == pid
    assert away.api.status == "running"
