"""An agent whose replies a test writes: a real HTTP server on loopback, one thread a connection."""

import json
import threading
import time
from collections import defaultdict, deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

VEGA = {"$schema": "https://vega.github.io/schema/vega-lite/v6.json", "mark": "bar", "data": {"values": [{"x": 1}]},
        "encoding": {"x": {"field": "x", "type": "quantitative"}}}

STANDARD: dict[str, Any] = {
    "/process": {"success": True, "intent": {"metric_type": "count"}, "sql_query": "SELECT 1 AS x",
                 "confidence_score": 0.9},
    "/execute": {"success": True, "result": {"data": [{"x": 1}], "columns": ["x"], "row_count": 1}},
    "/visualize": {"success": True, "chart_config": {"chart_type": "number", "title": "x"}, "chart_data": VEGA},
}

FLAT: dict[str, Any] = {
    "/process": {"query_intent": {"metric_type": "count", "time_period": None}, "sql_query": "SELECT 1 AS x",
                 "entities": {"metric": "x"}, "explanation": "Counts x.", "execution_time": 0.012, "cache_hit": False},
    "/execute": {"rows": [[1]], "columns": ["x"], "row_count": 1, "data_quality": {"score": 1.0},
                 "processing_time_ms": 3},
    "/visualize": {"chart_json": {"data": [{"type": "bar", "x": [1], "y": [1]}], "layout": {}},
                   "chart_html": "<script>alert(1)</script>", "chart_config": {"chart_type": "bar", "title": "x"}},
}


@dataclass
class Reply:
    """One answer; `until` holds it back, `chunks` sends it in pieces `pause_s` apart, `drop` closes the connection."""

    body: Any = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    until: threading.Event | None = None
    chunks: int = 1
    pause_s: float = 0.0
    drop: bool = False

    def encoded(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


@dataclass(frozen=True)
class Call:
    """One call that arrived."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]


class ScriptedAgent:
    """Answers each path with the scripted replies in order, then with its dialect's ordinary reply."""

    def __init__(self, dialect: dict[str, Any]) -> None:
        self.calls: list[Call] = []
        self.scripts: defaultdict[str, deque[Reply]] = defaultdict(deque)
        self.reset(dialect)
        self._server = _Server(self)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def reset(self, dialect: dict[str, Any]) -> None:
        """As new; replies may wait for `released`, which `release` sets."""
        self.dialect, self.healthy = dialect, True
        self.calls.clear()
        self.scripts.clear()
        self.released = threading.Event()

    def release(self) -> None:
        self.released.set()

    def script(self, path: str, *replies: Reply) -> None:
        self.scripts[path].extend(replies)

    def calls_of(self, path: str) -> list[Call]:
        return [call for call in self.calls if call.path == path]

    @contextmanager
    def serving(self) -> Iterator["ScriptedAgent"]:
        thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()
            thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, agent: ScriptedAgent) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.agent = agent


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def log_message(self, *args: Any) -> None:
        """Quiet."""

    def do_GET(self) -> None:
        status = 200 if self.server.agent.healthy else 500
        self._send(Reply({"status": "healthy", "agent_version": "1.0"}, status))

    def do_POST(self) -> None:
        agent = self.server.agent
        try:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        except ValueError:
            self._send(Reply({"success": False, "error": "not JSON"}, 400))
            return
        agent.calls.append(Call(self.path, dict(self.headers), body))
        script = agent.scripts[self.path]
        reply = script.popleft() if script else Reply(agent.dialect[self.path])
        if reply.until is not None:
            reply.until.wait()
        self._send(reply)

    def _send(self, reply: Reply) -> None:
        self.close_connection = reply.drop
        if reply.drop:
            return
        data = reply.encoded()
        self.send_response(reply.status)
        for name, value in {"Content-Length": str(len(data)), **reply.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        size = max(1, len(data) // reply.chunks)
        try:
            for at in range(0, len(data), size):
                self.wfile.write(data[at:at + size])
                self.wfile.flush()
                time.sleep(reply.pause_s)
        except OSError:  # the client has left, as it should when its time is up
            self.close_connection = True
