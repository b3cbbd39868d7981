"""Health: is each agent there? Beat asks on schedule and records the answers; pre-flight reads them.

Redis key: `baton:health`, hash, agent -> JSON of `Health`, no TTL (an entry older than `STALE_AFTER` intervals says
nothing). Writer: `record_health` (beat's task). Readers: API, pre-flight.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from functools import cache
from typing import Annotated

import requests
import urllib3
from pydantic import Field, TypeAdapter, ValidationError

from agents.dialects import WORD_MAX_CHARS
from agents.registry import AgentSpec
from agents.reply_body import decoded
from core.clock import now_ms
from core.http import get_session, small_body
from core.logging import get_logger
from core.settings import get_settings

log = get_logger(__name__)
KEY = "baton:health"
STALE_AFTER = 4
BODY_MAX_BYTES = 64 * 1024
Moment = Annotated[int, Field(ge=0, lt=253_402_300_800_000)]  # ms; the last one is in the year 9999


class HealthStatus(StrEnum):
    """What is known about an agent."""

    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Health:
    """One look at an agent; `latency_ms` of the look, `since_ms` when the status last changed."""

    agent: str
    url: str
    status: HealthStatus
    detail: str
    version: str
    latency_ms: Moment
    checked_ms: Moment
    since_ms: Moment


def check_health(agent: AgentSpec, timeout_s: float | None = None) -> Health:
    """Ask the agent's `GET /health` once; never raises."""
    started = now_ms()
    status, detail, version = HealthStatus.UNHEALTHY, "", ""
    try:
        with get_session().get(
            f"{agent.url}/health",
            timeout=timeout_s or get_settings().health_timeout_s,
            allow_redirects=False,
            stream=True,
        ) as response:
            body = small_body(response, BODY_MAX_BYTES)
        if response.status_code == requests.codes.ok:
            status = HealthStatus.HEALTHY
            version = _version(body)
        else:
            detail = f"answered {response.status_code}"
    except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
        detail = f"cannot be reached ({type(error).__name__})"
    ended = now_ms()
    return Health(agent.name, agent.url, status, detail, version, ended - started, ended, ended)


def merged(before: Health | None, now: Health) -> Health:
    """`now`, keeping the moment since which the status has been the same."""
    same = before is not None and before.status is now.status
    return Health(**{**asdict(now), "since_ms": before.since_ms if same and before else now.checked_ms})


def to_json(health: Health) -> str:
    """One entry of the hash."""
    return json.dumps(asdict(health))


def read_all(raw: Mapping[bytes, bytes], registry: Mapping[str, AgentSpec]) -> dict[str, Health]:
    """Every registered agent's last health; unknown when never looked at, or too long ago to mean anything."""
    oldest_ms = now_ms() - int(get_settings().health_interval_s * STALE_AFTER * 1000)
    return {name: _read(raw.get(name.encode()), agent, oldest_ms) for name, agent in registry.items()}


def last_look_ms(raw: Mapping[bytes, bytes]) -> int:
    """When anybody last looked at any agent; 0 when nobody ever has."""
    return max((looked.checked_ms for entry in raw.values() if (looked := _entry(entry))), default=0)


def _read(raw: bytes | None, agent: AgentSpec, oldest_ms: int) -> Health:
    seen = _entry(raw) if raw else None
    if seen is not None and seen.checked_ms >= oldest_ms and seen.url == agent.url:
        return seen
    return Health(agent.name, agent.url, HealthStatus.UNKNOWN, "not looked at lately", "", 0, 0, 0)


def _entry(raw: bytes) -> Health | None:
    """One entry of the hash; None when it is none of ours: what nobody can read says nothing."""
    try:
        return _form().validate_json(raw)
    except ValidationError as error:
        _tell_once(error.errors(include_input=False)[0]["type"])
        return None


@cache
def _form() -> TypeAdapter[Health]:
    return TypeAdapter(Health)


@cache
def _tell_once(error: str) -> None:
    """Every question reads it."""
    log.warning("key_unreadable", key=KEY, error=error, meaning="the agent counts as not looked at lately")


def _version(body: bytes) -> str:
    try:
        said = decoded(body)
    except ValueError:
        return ""
    stated = said.get("agent_version") or said.get("version") if isinstance(said, dict) else ""
    return str(stated or "")[:WORD_MAX_CHARS]
