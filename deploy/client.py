"""The HTTP API as a Python caller sees it: submit a question, follow its events, fetch the answer."""

import json
import time
from collections.abc import Iterator
from types import TracebackType
from typing import Any, NamedTuple, Self
from urllib.parse import urljoin

import requests

Answer = dict[str, Any]

TIMEOUT_S = 30.0
# An API that is restarted comes back well within this.
RECONNECT_S = 20.0
RECONNECT_PAUSE_S = 0.5


class Event(NamedTuple):
    """One server-sent event (https://html.spec.whatwg.org/multipage/server-sent-events.html)."""

    id: str
    name: str
    data: dict[str, Any]


class AskError(Exception):
    """The question could not be put, or its answer not be had."""


class NotRunningError(AskError):
    """Nobody listens where the API should."""

    def __init__(self, base_url: str) -> None:
        super().__init__(f"Nothing answers at {base_url}. Start the system with: make run (another port: API_PORT)")


class RefusedError(AskError):
    """The API refused the request; `problem` is its problem+json (RFC 9457)."""

    def __init__(self, problem: dict[str, Any]) -> None:
        super().__init__(str(problem.get("detail") or problem.get("title") or problem))
        self.problem = problem


class ApiClient:
    """A running system, by the URL of its API and the name it answers to there, if that is another."""

    def __init__(self, base_url: str, key: str = "", host: str = "") -> None:
        self.base_url = base_url
        self._session = requests.Session()
        self._session.trust_env = False  # the way to our own API leads through no proxy
        if key:
            self._session.headers["Authorization"] = f"Bearer {key}"
        if host:
            self._session.headers["Host"] = host

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _kind: type[BaseException] | None, _error: BaseException | None,
                 _trace: TracebackType | None) -> None:
        self._session.close()

    def submit(self, question: str) -> tuple[str, Answer | None]:
        """Put a question: the workflow's URL, or at once the answer, when the system answers without a queue."""
        reply = self._send("POST", "/api/query", json={"query": question}, headers={"Prefer": "respond-async"})
        if reply.status_code == requests.codes.accepted:
            return reply.headers["Location"], None
        return "", reply.json()

    def events(self, workflow: str) -> Iterator[Event]:
        """Every event of a workflow up to its `end`; a broken stream is taken up where it broke."""
        last_id, deadline = "", time.monotonic() + RECONNECT_S
        while True:
            try:
                for event in self._stream(f"{workflow}/events", last_id):
                    last_id, deadline = event.id or last_id, time.monotonic() + RECONNECT_S
                    yield event
                    if event.name == "end":
                        return
            except (NotRunningError, requests.ConnectionError, requests.exceptions.ChunkedEncodingError) as error:
                if time.monotonic() > deadline:
                    raise NotRunningError(self.base_url) from error
            time.sleep(RECONNECT_PAUSE_S)

    def answer(self, workflow: str) -> Answer:
        """The answer of a workflow that has ended."""
        reply: Answer = self._send("GET", workflow).json()
        return reply

    def fetch(self, url: str) -> bytes:
        """The bytes behind a link of an answer."""
        return self._send("GET", url).content

    def _stream(self, path: str, last_id: str) -> Iterator[Event]:
        headers = {"Accept": "text/event-stream", **({"Last-Event-ID": last_id} if last_id else {})}
        with self._send("GET", path, headers=headers, stream=True) as reply:
            reply.encoding = "utf-8"
            yield from parse_events(reply.iter_lines(decode_unicode=True))

    def _send(self, method: str, path: str, **options: Any) -> requests.Response:
        try:
            reply = self._session.request(method, urljoin(self.base_url, path), timeout=TIMEOUT_S, **options)
        except requests.ConnectionError as error:
            raise NotRunningError(self.base_url) from error
        except requests.Timeout as error:
            raise AskError(f"{self.base_url} did not answer within {TIMEOUT_S:.0f} s") from error
        if reply.ok:
            return reply
        raise RefusedError(_problem(reply))


def parse_events(lines: Iterator[str]) -> Iterator[Event]:
    """Server-sent events out of the lines of a stream; comments and half an event at the end are dropped."""
    fields: dict[str, str] = {}
    for line in lines:
        if not line:
            if "data" in fields:
                yield Event(fields.get("id", ""), fields.get("event", "message"), json.loads(fields["data"]))
            fields = {}
        elif not line.startswith(":"):
            name, _, value = line.partition(":")
            value = value.removeprefix(" ")
            fields[name] = f"{fields[name]}\n{value}" if name == "data" and "data" in fields else value


def _problem(reply: requests.Response) -> dict[str, Any]:
    try:
        problem = reply.json()
    except requests.JSONDecodeError:
        problem = None
    return problem if isinstance(problem, dict) else {"title": f"HTTP {reply.status_code}", "detail": reply.text[:500]}
