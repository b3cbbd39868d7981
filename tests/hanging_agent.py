"""An agent that hangs until its caller hangs up, and notes when that was: all three roles, one thread a connection."""

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.scripted_agent import STANDARD


class HangingAgent:
    """Keeps each call of `/process` waiting while `hangs`; whatever else it is asked it answers at once.

    `calls` counts them by workflow, `closed_at` says when the connection of a kept call was closed (monotonic).
    With `speaks` it begins its answer before it hangs.
    """

    def __init__(self) -> None:
        self.hangs, self.speaks = True, False
        self.calls: Counter[str] = Counter()
        self.closed_at: dict[str, float] = {}
        self.lock = threading.Lock()
        self._server = _Server(self)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    @contextmanager
    def serving(self) -> Iterator["HangingAgent"]:
        """Serve, in this process."""
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
    block_on_close = False
    request_queue_size = 1024

    def __init__(self, agent: HangingAgent) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.agent = agent


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def log_message(self, *args: Any) -> None:
        """Quiet."""

    def do_GET(self) -> None:
        self._answer({"status": "healthy", "agent_version": "1.0"})

    def do_POST(self) -> None:
        agent, workflow_id = self.server.agent, self.headers["X-Workflow-Id"]
        self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/process":
            with agent.lock:
                agent.calls[workflow_id] += 1
        if not (agent.hangs and self.path == "/process"):
            self._answer(STANDARD[self.path])
            return
        if agent.speaks:
            self._begin(1_000)
            self.wfile.write(b'{"success":')
        self._wait_for_the_end()
        agent.closed_at[workflow_id] = time.monotonic()
        self.close_connection = True

    def _wait_for_the_end(self) -> None:
        try:
            said = self.connection.recv(1)
        except ConnectionError:
            return
        assert not said, "a caller that waits for its answer says nothing"

    def _answer(self, body: dict[str, Any]) -> None:
        data = json.dumps(body).encode()
        self._begin(len(data))
        self.wfile.write(data)

    def _begin(self, length: int) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(length))
        self.end_headers()
