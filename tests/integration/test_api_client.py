"""The shell's client against servers that misbehave."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from deploy.ask import ask
from deploy.client import ApiClient, Event, NotRunningError, RefusedError
from tests.processes import free_ports

WORKFLOW = "/api/workflow/w1"


class Misbehaving(BaseHTTPRequestHandler):
    """Cuts the first stream after one event; refuses one question; answers another without a queue."""

    resumed_after: list[str | None]

    def do_GET(self) -> None:
        if not self.path.endswith("/events"):
            return self._reply(404, "text/plain", "<html>not JSON</html>")
        last_id = self.headers["Last-Event-ID"]
        self.resumed_after.append(last_id)
        if last_id is None:
            return self._reply(200, "text/event-stream", 'id: 1-0\nevent: step\ndata: {"step": "nlp"}\n\nid: 2-0\neven')
        return self._reply(200, "text/event-stream", "id: 2-0\nevent: end\ndata: {}\n\n")

    def do_POST(self) -> None:
        question = self.rfile.read(int(self.headers["Content-Length"])).decode()
        if "life" in question:
            refusal = '{"detail": "Not understood.", "suggestions": ["Ask X"]}'
            return self._reply(422, "application/problem+json", refusal)
        return self._reply(200, "application/json", '{"workflow_id": "w", "status": "DEGRADED", "recorded": false}')

    def _reply(self, status: int, kind: str, text: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def url() -> Iterator[str]:
    Misbehaving.resumed_after = []
    with ThreadingHTTPServer(("127.0.0.1", 0), Misbehaving) as server:
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        serving.join()


def test_a_cut_stream_goes_on_where_it_broke(url: str) -> None:
    with ApiClient(url) as client:
        assert list(client.events(WORKFLOW)) == [Event("1-0", "step", {"step": "nlp"}), Event("2-0", "end", {})]
    assert Misbehaving.resumed_after == [None, "1-0"]


def test_what_is_not_json_is_still_told(url: str) -> None:
    with ApiClient(url) as client, pytest.raises(RefusedError, match="not JSON"):
        client.answer(WORKFLOW)


def test_nobody_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deploy.client.RECONNECT_S", 0.0)
    (port,) = free_ports(1)
    with ApiClient(f"http://127.0.0.1:{port}") as client:
        with pytest.raises(NotRunningError, match="make run"):
            client.submit("a question")
        with pytest.raises(NotRunningError, match="make run"):
            list(client.events(WORKFLOW))


@pytest.mark.parametrize(("question", "answered", "expected"), [
    ("the meaning of life", False, ["the meaning of life", "No answer: Not understood.", "  - Ask X"]),
    ("delays", True, ["delays", "No rows match the question."])])
def test_asking_shows_a_refusal_and_an_answer_without_a_queue(
        url: str, tmp_path: Path, question: str, answered: bool, expected: list[str]) -> None:
    out = StringIO()
    assert ask(url, question, tmp_path, Console(file=out, width=100)) is answered
    assert out.getvalue().splitlines()[:3] == expected
