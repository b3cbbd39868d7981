"""The contract's suite: what Baton relies on, asked of an agent over HTTP with the client that workers use.

Nothing is written anywhere: the one statement reads a constant, and the bad requests are refused by who checks them.
"""

import json
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from secrets import token_hex
from typing import Any, Final

import requests

from agents.bearer import bearer
from agents.client import CallHeaders, call_agent, fetch_examples
from agents.contract import AgentResult
from agents.errors import AgentError, AgentRefused, Rejected
from agents.health import HealthStatus, check_health
from agents.registry import AgentSpec
from core.finding import Finding, Level, failing, warning, well
from core.http import get_session

ROLES: Final = ("nlp", "data", "viz")
AT_ONCE: Final = 5
SLOW_SHARE: Final = 0.5
Payload = Mapping[str, Any]
_INTENT: Final = {"metric_type": "count", "time_period": "unknown", "aggregation_level": "unknown", "filters": []}
_PAYLOADS: Final[Mapping[str, Payload]] = {
    "nlp": {"query": "how many rows are there", "user_id": "", "session_id": "", "context": {"source": "check"}},
    "data": {
        "sql_query": "SELECT 1 AS one",
        "query_context": {**_INTENT, "query_intent": _INTENT},
        "execution_config": {"use_cache": False, "validate_result": True, "optimize_query": True},
    },
    "viz": {
        "data": [{"carrier": "AA", "flights": 3}, {"carrier": "UA", "flights": 5}],
        "columns": ["carrier", "flights"],
        "query": "flights by carrier",
        "intent": _INTENT,
        "query_context": {"query_intent": _INTENT},
        "session_id": "",
        "visualization_config": {},
    },
}
_MISFITS: Final[Mapping[str, Payload]] = {"nlp": {}, "data": {}, "viz": {"data": "no rows"}}
_NO_SUCH_TABLE: Final = "SELECT * FROM no_such_table_anywhere"


def conformance(agent: AgentSpec, question: str = "") -> Iterator[Finding]:
    """One finding a rule, in order; an agent that is not there is asked no further."""
    there = _healthy(agent)
    yield there
    if there.level is Level.FAIL:
        return
    payload = _payload(agent, question)
    answers = _answers(agent, payload)
    yield answers
    if answers.level is not Level.FAIL:
        yield from _ordinary(agent, payload)
    yield _refuses(agent, "what does not fit", json.dumps(_MISFITS[agent.name]).encode())
    yield _refuses(agent, "what is not JSON", b"{not json")
    if agent.name == "data":
        yield _says_why(agent)


def _payload(agent: AgentSpec, question: str) -> Payload:
    payload = {"query_id": token_hex(16), **_PAYLOADS[agent.name]}
    if agent.name == "nlp" and (query := question or next(iter(fetch_examples(agent)), "")):
        payload["query"] = query
    return payload


def _subject(agent: AgentSpec) -> str:
    return f"{agent.name} contract"


def _healthy(agent: AgentSpec) -> Finding:
    seen = check_health(agent)
    if seen.status is not HealthStatus.HEALTHY:
        advice = "Start it; GET /health has to answer 200 within HEALTH_TIMEOUT_S while it can work."
        return failing(_subject(agent), f"GET {agent.url}/health {seen.detail}.", advice)
    if not seen.version:
        advice = 'Add "agent_version", so that one can see which one answered.'
        return warning(_subject(agent), "GET /health tells no version.", advice)
    return well(_subject(agent), f"GET /health answers in {seen.latency_ms} ms, version {seen.version}.")


def _answers(agent: AgentSpec, payload: Payload) -> Finding:
    began = time.monotonic()
    try:
        _call(agent, payload)
    except (AgentRefused, Rejected) as error:
        advice = "Ask what it can answer: QUESTION=..." if agent.name == "nlp" else "It has to do this."
        return failing(_subject(agent), f"It refuses an ordinary request: {error}", advice)
    except AgentError as error:
        return failing(_subject(agent), f"An ordinary request fails: {error}", "docs/agents.md has what it may answer.")
    took_s = time.monotonic() - began
    if took_s > agent.timeout_s * SLOW_SHARE:
        found = f"It took {took_s:.1f} s of the {agent.timeout_s:g} s it may take."
        return warning(_subject(agent), found, f"Make it faster, or raise {agent.name.upper()}_TIMEOUT_S.")
    return well(_subject(agent), f"An ordinary request is answered, and understood, in {took_s * 1000:.0f} ms.")


def _ordinary(agent: AgentSpec, payload: Payload) -> Iterator[Finding]:
    """What must make no difference to who answers an ordinary request."""
    strange = {**payload, "a_field_of_the_future": {"any": ["thing"]}}
    yield _same(agent, "a field it does not know", "Ignore fields you do not know.", [strange])
    yield _same(agent, "the same Idempotency-Key again", "A step may be called again: answer again.", [payload] * 2)
    yield _same(agent, f"{AT_ONCE} requests at once", "Serve several at a time, or queue them.", [payload] * AT_ONCE)


def _same(agent: AgentSpec, what: str, advice: str, payloads: list[Payload]) -> Finding:
    headers = CallHeaders(token_hex(16), agent.name, 1, 1)
    try:
        with ThreadPoolExecutor(len(payloads)) as pool:
            list(pool.map(lambda payload: _call(agent, payload, headers), payloads))
    except AgentError as error:
        return failing(_subject(agent), f"With {what} it fails: {error}", advice)
    return well(_subject(agent), f"It does as well with {what}.")


def _refuses(agent: AgentSpec, what: str, body: bytes) -> Finding:
    """Who is at fault must be told apart: a 5xx is tried again and opens the breaker."""
    try:
        reply = get_session().post(
            agent.url + agent.path,
            data=body,
            headers={**bearer(), "Content-Type": "application/json"},
            timeout=agent.timeout_s,
            allow_redirects=False,
        )
    except requests.RequestException as error:
        return failing(_subject(agent), f"{what}: no answer ({type(error).__name__}).", "Answer 422, and say why.")
    if reply.status_code >= 500:
        found = f"It answers {what} with {reply.status_code}."
        return failing(_subject(agent), found, "Answer 422, and say why: a 5xx is tried again and opens the breaker.")
    if reply.ok and not _says_failure(reply.content):
        return warning(_subject(agent), f"It takes {what} for a request.", "Answer 422, and say why.")
    return well(_subject(agent), f"It refuses {what}.")


def _says_failure(body: bytes) -> bool:
    try:
        reply = json.loads(body)
    except ValueError:
        return False
    return isinstance(reply, dict) and (reply.get("success") is False or bool(reply.get("error")))


def _says_why(agent: AgentSpec) -> Finding:
    """Rows that are not there must not be made up, and a bad statement is no fault of the agent's."""
    payload = {**_PAYLOADS["data"], "query_id": token_hex(16), "sql_query": _NO_SUCH_TABLE}
    advice = "Answer 422 or `success: false`, with an `error` whose message says what is wrong."
    try:
        _call(agent, payload)
    except (AgentRefused, Rejected) as error:
        return well(_subject(agent), f"A statement about no table is refused: {error.message[:100]}")
    except AgentError as error:
        return failing(_subject(agent), f"A statement about no table seems a fault of the agent's: {error}", advice)
    return failing(_subject(agent), "A statement about no table is answered with rows.", advice)


def _call(agent: AgentSpec, payload: Payload, headers: CallHeaders | None = None) -> AgentResult:
    return call_agent(agent, payload, headers or CallHeaders(token_hex(16), agent.name, 1, 1), agent.timeout_s)
