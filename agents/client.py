"""Our HTTP client for agents: one POST in, one typed result or one `AgentError` out. No retry here."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

import requests
import urllib3

from agents.bearer import bearer
from agents.contract import AgentResult
from agents.dialects import bounded_wait_s, fault_of, parse
from agents.errors import (
    AgentCrashed,
    AgentError,
    AgentTimeout,
    AgentUnavailable,
    InvalidResponse,
    RateLimited,
    Rejected,
)
from agents.registry import AgentSpec
from agents.reply_body import decoded
from core.clock import now_ms
from core.http import get_session, small_body
from core.settings import get_settings
from core.stoppable import noticing_stop
from core.tracing import span, traceparent

_CHUNK_BYTES = 64 * 1024
EXAMPLES_MAX_BYTES = 64 * 1024
_GONE = frozenset({502, 503, 504})


@dataclass(frozen=True, slots=True)
class CallHeaders:
    """What identifies one call on the wire; `key` is the same for every attempt and takeover of a step."""

    workflow_id: str
    step: str
    round: int
    attempt: int

    @property
    def key(self) -> str:
        """The `Idempotency-Key`."""
        return f"{self.workflow_id}:{self.step}:{self.round}"

    def on_wire(self, time_left_s: float) -> dict[str, str]:
        """The headers of AGENT_CONTRACT; `X-Deadline-Ms` is time left, so clocks need not agree."""
        return {
            **bearer(),
            "X-Workflow-Id": self.workflow_id,
            "X-Step": self.step,
            "X-Attempt": str(self.attempt),
            "Idempotency-Key": self.key,
            "X-Deadline-Ms": str(int(time_left_s * 1000)),
            "traceparent": traceparent(self.workflow_id),
            "Content-Type": "application/json",
        }


def call_agent(
    agent: AgentSpec, payload: Mapping[str, Any], headers: CallHeaders, time_left_s: float
) -> AgentResult:
    """Ask `agent` once, within min(its timeout, `time_left_s`); raises an `AgentError`, or `CallStopped`."""
    with span(f"POST {agent.path}", headers.workflow_id, agent=agent.name):
        return _called(agent, payload, headers, min(agent.timeout_s, time_left_s))


def _called(agent: AgentSpec, payload: Mapping[str, Any], headers: CallHeaders, limit_s: float) -> AgentResult:
    if limit_s <= 0:
        raise AgentTimeout("no time was left to call the agent", agent=agent.name)
    try:
        with noticing_stop():
            response, body = _exchange(agent, payload, headers, limit_s)
    except (requests.Timeout, urllib3.exceptions.TimeoutError) as error:
        raise AgentTimeout(f"the {agent.name} agent did not answer within {limit_s:g} s", agent=agent.name) from error
    except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
        raise AgentUnavailable(
            f"the {agent.name} agent at {agent.url} cannot be reached, or breaks off ({type(error).__name__})",
            agent=agent.name,
        ) from error
    return _understand(agent, response, body)


def _exchange(
    agent: AgentSpec, payload: Mapping[str, Any], headers: CallHeaders, limit_s: float
) -> tuple[requests.Response, bytes]:
    ends_at = time.monotonic() + limit_s
    response = get_session().post(
        agent.url + agent.path,
        data=json.dumps(payload, separators=(",", ":"), default=str),
        headers=headers.on_wire(limit_s),
        timeout=(min(get_settings().connect_timeout_s, limit_s), limit_s),
        allow_redirects=False,
        stream=True,
    )
    with response:
        return response, _read(response, ends_at, agent)


def _read(response: requests.Response, ends_at: float, agent: AgentSpec) -> bytes:
    """The whole body, bounded in size and in time however slowly it trickles."""
    limit = get_settings().agent_reply_limit_bytes
    chunks, size = [], 0
    while chunk := response.raw.read1(_CHUNK_BYTES, decode_content=True):
        size += len(chunk)
        if size > limit:
            raise InvalidResponse(
                f"the {agent.name} agent's answer is larger than {limit} bytes (AGENT_REPLY_LIMIT_BYTES)",
                agent=agent.name,
            )
        if time.monotonic() > ends_at:
            raise AgentTimeout(f"the {agent.name} agent did not finish its answer in time", agent=agent.name)
        chunks.append(chunk)
    return b"".join(chunks)


def _understand(agent: AgentSpec, response: requests.Response, body: bytes) -> AgentResult:
    status = response.status_code
    if status in _GONE:
        raise AgentUnavailable(
            f"the {agent.name} agent answered {status}",
            agent=agent.name,
            retry_after_s=retry_after_s(response.headers.get("Retry-After")),
        )
    reply, why = None, "it is null"
    try:
        reply = decoded(body)
    except ValueError as error:
        why = str(error)
    fault = fault_of(reply if isinstance(reply, dict) else {}, f"the {agent.name} agent answered {status}")
    if status == 429:
        stated = retry_after_s(response.headers.get("Retry-After"))
        raise RateLimited(**{**fault, **({} if stated is None else {"retry_after_s": stated})}, agent=agent.name)
    if status >= 500:
        raise AgentCrashed(**fault, agent=agent.name)
    if status >= 300:
        raise Rejected(**fault, agent=agent.name)
    if reply is None:
        raise InvalidResponse(f"the {agent.name} agent's answer is not JSON ({why})", agent=agent.name)
    try:
        return parse(agent.name, reply)
    except AgentError as error:
        error.agent = agent.name
        raise


def retry_after_s(header: str | None) -> float | None:
    """Seconds to wait by a `Retry-After` header (seconds or an HTTP date); None when absent or unreadable."""
    if not header:
        return None
    try:
        wait_s = float(header)
    except ValueError:
        try:
            wait_s = parsedate_to_datetime(header).timestamp() - now_ms() / 1000
        except (ValueError, TypeError, OverflowError):
            return None
    return bounded_wait_s(wait_s)


def fetch_examples(agent: AgentSpec) -> list[str]:
    """Example questions of an nlp agent's `GET /examples` (our extension of the contract); none when it has none."""
    try:
        with get_session().get(
            f"{agent.url}/examples",
            headers=bearer(),
            timeout=get_settings().health_timeout_s,
            allow_redirects=False,
            stream=True,
        ) as response:
            listed = decoded(small_body(response, EXAMPLES_MAX_BYTES)) if response.ok else []
    except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError):
        return []
    return [text for text in listed if isinstance(text, str)][:20] if isinstance(listed, list) else []
