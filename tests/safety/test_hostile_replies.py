"""Hostile replies through our real client: each is seen for what it is, in time, and leaves nothing behind."""

import time
from collections.abc import Iterator

import pytest

from agents.client import CallHeaders, call_agent, fetch_examples
from agents.contract import NlpResult
from agents.errors import AgentTimeout
from agents.health import check_health
from agents.registry import AgentSpec, RetryPolicy
from core.http import get_session
from tests.safety.hostile_agent import HostileAgent
from tests.safety.hostile_replies import HOSTILE, NLP, Hostile
from tests.scripted_agent import STANDARD

TIME_S, SHORT_S = 10.0, 0.7
NAMES = {"/process": "nlp", "/execute": "data", "/visualize": "viz"}


@pytest.fixture(scope="module")
def agent() -> Iterator[HostileAgent]:
    with HostileAgent().serving() as one:
        yield one


def ask(agent: HostileAgent, question: str, path: str = NLP, limit_s: float = TIME_S) -> object:
    spec = AgentSpec(NAMES[path], agent.url, path, limit_s, RetryPolicy(1, 1, 1))
    return call_agent(spec, {"query": question}, CallHeaders("a" * 32, NAMES[path], 0, 1), limit_s)


def test_there_are_enough_of_them_and_each_has_its_name() -> None:
    assert len(HOSTILE) >= 50
    assert len({one.name for one in HOSTILE}) == len(HOSTILE)


@pytest.mark.parametrize("one", HOSTILE, ids=lambda one: one.name[:50])
def test_each_is_seen_for_what_it_is_and_the_next_call_is_answered(agent: HostileAgent, one: Hostile) -> None:
    agent.play(one.name, one.path, one.send)
    limit_s = SHORT_S if one.error is AgentTimeout else TIME_S
    began = time.monotonic()
    if one.error is None:
        ask(agent, one.name, one.path, limit_s)
    else:
        with pytest.raises(one.error) as caught:
            ask(agent, one.name, one.path, limit_s)
        assert type(caught.value) is one.error
        assert len(str(caught.value.described())) < 2_100_000
        assert 0 <= (caught.value.retry_after_s or 0) <= 86_400
    assert time.monotonic() - began < limit_s + 2
    answered = ask(agent, "a good one")
    assert isinstance(answered, NlpResult)
    assert answered.sql_query == STANDARD[NLP]["sql_query"]
    assert not get_session().cookies


@pytest.mark.parametrize("name", [
    "a body without end", "a gzip bomb", "lists 100,000 deep", "headers that drip", "10,000 headers", "no UTF-8",
    "gzip that is none", "interim answers without end"])
def test_a_look_at_health_or_examples_survives_it_too(agent: HostileAgent, name: str) -> None:
    spec = AgentSpec("nlp", agent.url, NLP, SHORT_S, RetryPolicy(1, 1, 1))
    agent.when_looked_at = next(one.send for one in HOSTILE if one.name == name)
    began = time.monotonic()
    try:
        assert check_health(spec, SHORT_S).version == ""
        if "drip" not in name:  # its limit is the setting's
            assert fetch_examples(spec) == []
    finally:
        agent.when_looked_at = None
    assert time.monotonic() - began < 10
