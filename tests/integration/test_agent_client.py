"""Our HTTP client against an agent that behaves and misbehaves, over real connections."""

import threading
from email.utils import formatdate
from time import time

import pytest

from agents.client import CallHeaders, call_agent
from agents.errors import (
    AgentCrashed,
    AgentRefused,
    AgentTimeout,
    AgentUnavailable,
    InvalidResponse,
    RateLimited,
    Rejected,
)
from agents.registry import AgentSpec, RetryPolicy
from core.settings import get_settings
from tests.scripted_agent import STANDARD, Reply, ScriptedAgent

HEADERS = CallHeaders("a" * 32, "nlp", round=0, attempt=2)


@pytest.fixture
def agent():
    with ScriptedAgent(STANDARD).serving() as scripted:
        yield scripted


def ask(agent, *replies, time_left_s=5.0, timeout_s=30.0):
    if isinstance(agent, ScriptedAgent):
        agent.script("/process", *replies)
    spec = AgentSpec("nlp", getattr(agent, "url", agent), "/process", timeout_s, RetryPolicy(1, 1, 1))
    return call_agent(spec, {"query": "q"}, HEADERS, time_left_s)


def test_the_headers_identify_the_call(agent):
    ask(agent)
    (call,) = agent.calls
    assert call.headers["X-Workflow-Id"] == "a" * 32
    assert (call.headers["X-Step"], call.headers["X-Attempt"]) == ("nlp", "2")
    assert call.headers["Idempotency-Key"] == "a" * 32 + ":nlp:0"
    assert 0 < int(call.headers["X-Deadline-Ms"]) <= 5_000
    version, trace_id, span_id, flags = call.headers["traceparent"].split("-")
    assert (version, trace_id, flags, len(span_id)) == ("00", "a" * 32, "01", 16)
    assert call.body == {"query": "q"}


@pytest.mark.parametrize(("reply", "kind"), [
    (Reply({}, 502), AgentUnavailable),
    (Reply({}, 503), AgentUnavailable),
    (Reply({}, 504), AgentUnavailable),
    (Reply(drop=True), AgentUnavailable),
    (Reply({}, 500), AgentCrashed),
    (Reply(b"<html>", 500), AgentCrashed),
    (Reply({"success": False, "error": "no"}), AgentRefused),
    (Reply({"detail": "bad"}, 400), Rejected),
    (Reply({}, 404), Rejected),
    (Reply({}, 302, {"Location": "http://127.0.0.1:1/"}), Rejected),
    (Reply({}, 429), RateLimited),
    (Reply(b"<html>"), InvalidResponse),
    (Reply(b""), InvalidResponse),
    (Reply(b"[1, 2]"), InvalidResponse),
    (Reply(b'{"success": true'), InvalidResponse),
])
def test_each_outcome_has_its_error(agent, reply, kind):
    with pytest.raises(kind) as caught:
        ask(agent, reply)
    assert type(caught.value) is kind
    assert caught.value.agent == "nlp"


def test_nobody_listens():
    with ScriptedAgent(STANDARD).serving() as gone:
        url = gone.url
    with pytest.raises(AgentUnavailable, match="cannot be reached"):
        ask(url)


def test_an_agent_that_never_answers_is_left_when_the_time_is_up(agent):
    answer_now = threading.Event()
    with pytest.raises(AgentTimeout):
        ask(agent, Reply({}, until=answer_now), time_left_s=0.2)
    answer_now.set()


def test_an_agent_that_trickles_is_left_when_the_time_is_up(agent):
    with pytest.raises(AgentTimeout):
        ask(agent, Reply({"sql_query": "SELECT 1" + " " * 1000}, chunks=500, pause_s=0.02), time_left_s=0.3)


def test_no_time_left_means_no_call(agent):
    with pytest.raises(AgentTimeout, match="no time was left"):
        ask(agent, time_left_s=0)
    assert agent.calls == []


def test_a_reply_beyond_the_limit_is_not_read_to_its_end(agent):
    too_large = b'{"sql_query": "' + b"x" * get_settings().agent_reply_limit_bytes + b'"}'
    with pytest.raises(InvalidResponse, match="AGENT_REPLY_LIMIT_BYTES"):
        ask(agent, Reply(too_large))


def test_a_reply_of_5_mb_is_fine(agent):
    assert ask(agent, Reply({"sql_query": "SELECT 1", "chart_html": "x" * 5_000_000})).sql_query == "SELECT 1"


@pytest.mark.parametrize(("header", "wait_s"), [("7", 7), ("0.5", 0.5), ("-3", 0)])
def test_retry_after_in_seconds(agent, header, wait_s):
    with pytest.raises(RateLimited) as caught:
        ask(agent, Reply({}, 429, {"Retry-After": header}))
    assert caught.value.retry_after_s == wait_s


def test_retry_after_as_a_date(agent):
    with pytest.raises(RateLimited) as caught:
        ask(agent, Reply({}, 429, {"Retry-After": formatdate(time() + 3600, usegmt=True)}))
    assert 3500 < caught.value.retry_after_s <= 3600


def test_an_unreadable_retry_after_is_no_promise(agent):
    with pytest.raises(RateLimited) as caught:
        ask(agent, Reply({}, 429, {"Retry-After": "soon"}))
    assert caught.value.retry_after_s is None


def test_an_agent_s_own_words_reach_the_user(agent):
    fault = {"error_type": "question_not_understood", "message": "m", "recovery_action": "rephrase",
             "suggestions": ["s"],
             "unmatched": ["colour"], "did_you_mean": ["carrier"]}
    with pytest.raises(Rejected) as caught:
        ask(agent, Reply({"success": False, "error": fault}, 422))
    assert caught.value.described() == fault
