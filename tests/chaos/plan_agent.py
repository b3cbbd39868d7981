"""An agent that a plan tells what to do: `python -m tests.chaos.plan_agent PORT FOLDER`.

Fields of a step's input: `delay_s`, `fails` (`never`, `first`: with 503 at the first attempt, `always`: with 400). A
file `FOLDER/<workflow id>.<step>` holds the answer back. Every call is one line in `FOLDER/calls.jsonl` when it comes.
"""

import asyncio
import json
import os
import sys
import time
from pathlib import Path
from typing import Any, cast

import uvloop

POLL_S = 0.01
NAMED = ("x-workflow-id", "x-step", "x-attempt", "idempotency-key")


class PlanAgent(asyncio.Protocol):
    """One connection; requests on it come one after the other."""

    folder: Path
    log_fd: int

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep what answers go through."""
        self._transport, self._buffer, self._tasks = cast("asyncio.Transport", transport), b"", set[Any]()

    def data_received(self, data: bytes) -> None:
        """Answer every request that is whole."""
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            lines = self._buffer[:end].decode("latin-1").split("\r\n")
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
            whole = end + 4 + int(headers.get("content-length", 0))
            if len(self._buffer) < whole:
                return
            body, self._buffer = self._buffer[end + 4:whole], self._buffer[whole:]
            task = asyncio.ensure_future(self._answer(headers, body))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _answer(self, headers: dict[str, str], body: bytes) -> None:
        if not body:
            self._write(200, {"status": "healthy", "agent_version": "1.0"})
            return
        asked = json.loads(body)
        call = {name: headers[name] for name in NAMED}
        line = {"at_ms": time.time() * 1000, **call, "inputs": sorted(asked["inputs"])}
        os.write(self.log_fd, (json.dumps(line) + "\n").encode())
        held = self.folder / f"{call['x-workflow-id']}.{call['x-step']}"
        await asyncio.sleep(asked.get("delay_s", 0.0))
        while held.exists():  # noqa: ASYNC110 - a file wakes nobody
            await asyncio.sleep(POLL_S)
        fails = asked.get("fails", "never")
        if fails == "always":
            self._write(400, {"error": "told to fail"})
        elif fails == "first" and call["x-attempt"] == "1":
            self._write(503, {"error": "told to fail at first"})
        else:
            self._write(200, {"success": True, "said": call["x-step"]})

    def _write(self, status: int, reply: dict[str, Any]) -> None:
        if not self._transport.is_closing():
            body = json.dumps(reply).encode()
            self._transport.write(f"HTTP/1.1 {status} -\r\ncontent-type: application/json\r\n"
                                  f"content-length: {len(body)}\r\n\r\n".encode() + body)


async def _serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(PlanAgent, "127.0.0.1", port, backlog=4096)
    await server.serve_forever()


if __name__ == "__main__":
    PlanAgent.folder = Path(sys.argv[2])
    PlanAgent.log_fd = os.open(PlanAgent.folder / "calls.jsonl", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    uvloop.run(_serve(int(sys.argv[1])))
