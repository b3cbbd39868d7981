"""The contract's suite against agents that keep it, and against some that break one rule each."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from agents.conformance import conformance
from agents.registry import AgentSpec, get_registry
from core.finding import Finding, Level
from deploy import check_agent
from tests.processes import LocalAgent, free_ports
from tests.scripted_agent import STANDARD, Reply, ScriptedAgent

GOOD = Reply(STANDARD["/execute"])
REFUSAL = Reply({"success": False, "error": {"message": "does not fit"}}, 422)


@pytest.fixture(scope="module")
def server() -> Iterator[ScriptedAgent]:
    with ScriptedAgent(STANDARD).serving() as agent:
        yield agent


def spec(name: str, url: str) -> AgentSpec:
    return replace(get_registry()[name], url=url)


def broken(found: list[Finding]) -> list[str]:
    return [finding.found for finding in found if finding.level is not Level.OK]


def data_suite(server: ScriptedAgent, *replies: Reply) -> list[str]:
    """What is broken in a data agent that replies so, and then in its dialect."""
    server.reset(STANDARD)
    server.script("/execute", *replies)
    return broken(list(conformance(spec("data", server.url))))


def test_the_bundled_agents_keep_the_contract(agents: dict[str, LocalAgent]) -> None:
    for name in ("data", "viz"):  # nlp asks its data agent; the whole system stands in test_doctor
        found = list(conformance(spec(name, agents[name].url)))
        assert broken(found) == []
        assert len(found) >= 7
        assert check_agent.roles_of(agents[name].url) == [name]


def test_an_agent_that_is_not_there_is_asked_no_further() -> None:
    url = f"http://127.0.0.1:{free_ports(1)[0]}"
    (finding,) = conformance(spec("nlp", url))
    assert finding.level is Level.FAIL
    assert check_agent.main([url]) == 1


def test_made_up_rows_and_a_bad_request_that_is_taken(server: ScriptedAgent) -> None:
    assert data_suite(server) == ["It takes what does not fit for a request.",
                                  "A statement about no table is answered with rows."]


@pytest.mark.parametrize(("reply", "said"), [
    (Reply({"columns": ["x"]}), "no list of rows"),
    (Reply(b"<html>", 200), "not JSON"),
    (Reply({}, 500), "500"),
    (Reply({"success": False, "error": "out of order"}), "out of order"),
])
def test_an_ordinary_request_that_is_not_answered(server: ScriptedAgent, reply: Reply, said: str) -> None:
    (found,) = data_suite(server, reply, REFUSAL, REFUSAL)
    assert said in found


@pytest.mark.parametrize(("at", "reply", "said"), [
    (1, Reply({}, 422), "a field it does not know"),
    (3, Reply({}, 409), "the same Idempotency-Key again"),
    (8, Reply({}, 503), "5 requests at once"),
    (9, Reply({}, 500), "It answers what does not fit with 500."),
    (10, Reply({}, 500), "A statement about no table seems a fault of the agent's"),
])
def test_one_broken_rule_is_one_finding(server: ScriptedAgent, at: int, reply: Reply, said: str) -> None:
    replies = [*[GOOD] * 9, REFUSAL, REFUSAL]
    replies[at] = reply
    (found,) = data_suite(server, *replies)
    assert said in found


def test_who_keeps_every_rule_has_nothing_broken(server: ScriptedAgent) -> None:
    assert data_suite(server, *[GOOD] * 9, REFUSAL, REFUSAL) == []


def test_the_command_finds_out_which_agent_it_is_and_ends_with_1_when_a_rule_is_broken(
        server: ScriptedAgent, agents: dict[str, LocalAgent], capsys: pytest.CaptureFixture[str]) -> None:
    assert check_agent.main([agents["viz"].url]) == 0
    assert "viz contract" in capsys.readouterr().out
    server.reset(STANDARD)
    server.script("/visualize", Reply({"success": True}))
    assert check_agent.main([server.url, "--agent", "viz"]) == 1
    assert "✗ FAIL" in capsys.readouterr().out
