"""A scripted agent as a process of its own: it may be killed, and its log of calls survives it.

`python -m tests.chaos.agent_process ROLE PORT FOLDER SEED SHORTEST_S LONGEST_S FAULT_SHARE [SLOW_SHARE SLOW_S]`: a
share of the calls takes SLOW_S longer. Every call is one line in
`FOLDER/calls.jsonl`, written before the answer. How long it takes, and whether it fails with 503, follows from seed and
attempt alone. A file `FOLDER/<workflow id>.<step>` overrides: `hold` answers when the file is gone, a number is a
status.
"""

import json
import os
import random
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.scripted_agent import STANDARD

POLL_S = 0.02
AND_ALSO = b" and also "  # in a question: it is answered with two queries
SEVERAL = {"queries": [{"name": name, "sql_query": "SELECT 1 AS x", "intent": {"metric_type": "count"}}
                       for name in ("first", "second")]}
RETRY_AFTER_S = 3  # sent with a status it was told


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 1024


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    folder: Path
    seed: str
    shortest_s: float
    longest_s: float
    fault_share: float
    slow_share = 0.0
    slow_s = 0.0
    log_fd: int

    def log_message(self, *_: Any) -> None:
        """Quiet."""

    def do_GET(self) -> None:
        self._send(200, {"status": "healthy", "agent_version": "1.0"})

    def do_POST(self) -> None:
        asked = self.rfile.read(int(self.headers["Content-Length"]))
        call = {name: self.headers[name] for name in ("X-Workflow-Id", "X-Step", "X-Attempt", "Idempotency-Key")}
        os.write(self.log_fd, (json.dumps({"at": time.time(), **call}) + "\n").encode())
        told = self._told(self.folder / f"{call['X-Workflow-Id']}.{call['X-Step']}")
        chance = random.Random(f"{self.seed}:{call['X-Workflow-Id']}:{call['X-Step']}:{call['X-Attempt']}")
        time.sleep(chance.uniform(self.shortest_s, self.longest_s))
        status = told or (503 if chance.random() < self.fault_share else 200)
        if chance.random() < self.slow_share:
            time.sleep(self.slow_s)
        several = self.path == "/process" and AND_ALSO in asked
        reply = {**STANDARD[self.path], **(SEVERAL if several else {})}
        self._send(status, reply if status == 200 else {"error": "told to fail"}, told=bool(told))

    def _told(self, file: Path) -> int:
        """Wait while the file says `hold`; the status it names, else 0."""
        while file.exists():
            if (word := file.read_text()) != "hold":
                return int(word or 0)
            time.sleep(POLL_S)
        return 0

    def _send(self, status: int, body: dict[str, Any], *, told: bool = False) -> None:
        data = json.dumps(body).encode()
        try:
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            if told:
                self.send_header("Retry-After", str(RETRY_AFTER_S))
            self.end_headers()
            self.wfile.write(data)
        except OSError:  # the caller was killed
            self.close_connection = True


def main() -> None:
    """Serve until killed."""
    _role, port, folder, seed, *numbers = sys.argv[1:]
    _Handler.folder, _Handler.seed = Path(folder), seed
    _Handler.shortest_s, _Handler.longest_s, _Handler.fault_share = map(float, numbers[:3])
    if numbers[3:]:
        _Handler.slow_share, _Handler.slow_s = map(float, numbers[3:])
    _Handler.log_fd = os.open(Path(folder) / "calls.jsonl", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    _Server(("127.0.0.1", int(port)), _Handler).serve_forever()


if __name__ == "__main__":
    main()
