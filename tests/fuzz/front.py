"""Raw requests against a running API: each must be refused with a problem document, and leave nothing behind."""

import json
import socket
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.client import HTTPException, HTTPResponse
from itertools import islice
from typing import Any
from urllib.parse import urlsplit

import requests

from api.problems import MEDIA_TYPE, ProblemDocument
from core.valkey import sync_client
from state import keys
from tests.fuzz.malformed import Malformed, malformed

LIMIT_S = 20.0


@dataclass
class Refusals:
    """What became of the requests: how many of which kind, their answers, and what was wrong with answers."""

    kinds: Counter[str] = field(default_factory=Counter)
    statuses: Counter[int] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    recorded: int = 0


def refuse_all(api_url: str, store_url: str, count: int, seed: int) -> Refusals:
    """Send `count` malformed requests, one after the other."""
    document: Mapping[str, Any] = requests.get(f"{api_url}/api/openapi.json", timeout=LIMIT_S).json()
    found = Refusals()
    client: Any = sync_client(store_url)
    before = recorded(client)
    for one in islice(malformed(document, seed), count):
        found.kinds[one.what] += 1
        status, fault = judged(api_url, one)
        found.statuses[status] += 1
        if fault:
            found.faults.append(f"{one.what}: {fault}: {one.raw[:200]!r}")
    found.recorded = len(recorded(client) - before)
    client.close()
    return found


def recorded(client: Any) -> set[bytes]:
    """Every workflow, and whatever else belongs to one or to an operator's wish."""
    return {key for pattern in (keys.record("*"), f"{keys.BY_STATUS}:*", keys.BY_TIME, keys.DUE, "agents.*",
                                "baton:breaker:*") for key in client.scan_iter(pattern, count=1_000)}


def judged(api_url: str, one: Malformed) -> tuple[int, str]:
    """The status of the answer, and what is wrong with it."""
    try:
        reply, body = answer(api_url, one.raw)
    except (OSError, HTTPException) as error:
        return 0, f"no answer ({error!r})"
    return reply.status, " and ".join(_faults(reply, body))


def answer(api_url: str, raw: bytes) -> tuple[HTTPResponse, bytes]:
    """Send bytes as they are, and read one answer."""
    where = urlsplit(api_url)
    with socket.create_connection((where.hostname or "", where.port or 80), LIMIT_S) as connection:
        connection.sendall(raw)
        reply = HTTPResponse(connection)
        reply.begin()
        return reply, reply.read()


def _faults(reply: HTTPResponse, body: bytes) -> Iterator[str]:
    if not 400 <= reply.status < 500:
        yield f"answered {reply.status}"
    if reply.headers["Content-Type"] != MEDIA_TYPE:
        yield f"as {reply.headers['Content-Type']}"
        return
    document = ProblemDocument.model_validate(json.loads(body))
    if document.status != reply.status:
        yield f"the document says {document.status}"
