"""A fast agent in all three roles: `python -m tests.chaos.echo_agent PORT DELAY_S`.

Its query is made of the question, so every question has rows of its own to stand in for it, and a word of the question
is in the body of every call. It knows no schema and no `GET` but `/health`.
"""

import asyncio
import json
import sys
from typing import Any, cast

import uvloop

from bench.agent import ANSWERS

HEALTHY = {"status": "healthy", "agent_version": "1.0"}


def answer(path: str, body: bytes) -> tuple[int, dict[str, Any]]:
    """Status and reply of one call."""
    role = path.strip("/")
    if role == "health":
        return 200, HEALTHY
    if role not in ANSWERS or not body:
        return 404, {}
    if role == "process":
        return 200, {**ANSWERS[role], "sql_query": f"SELECT 1 -- {json.loads(body)['query']}"}
    return 200, ANSWERS[role]


class EchoAgent(asyncio.Protocol):
    """One connection; requests on it come one after the other."""

    delay_s = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep what answers go through."""
        self._transport, self._buffer = cast("asyncio.Transport", transport), b""

    def data_received(self, data: bytes) -> None:
        """Answer every request that is whole."""
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = self._buffer[:end].lower()
            _, found, rest = head.partition(b"content-length:")
            whole = end + 4 + (int(rest.split(b"\r\n", 1)[0]) if found else 0)
            if len(self._buffer) < whole:
                return
            body, self._buffer = self._buffer[end + 4:whole], self._buffer[whole:]
            status, reply = answer(head.split(b" ", 2)[1].decode(), body)
            asyncio.get_running_loop().call_later(self.delay_s, self._write, status, reply)

    def _write(self, status: int, reply: dict[str, Any]) -> None:
        if not self._transport.is_closing():
            body = json.dumps(reply).encode()
            self._transport.write(f"HTTP/1.1 {status} -\r\ncontent-type: application/json\r\n"
                                  f"content-length: {len(body)}\r\n\r\n".encode() + body)


async def _serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(EchoAgent, "127.0.0.1", port, backlog=4096)
    await server.serve_forever()


if __name__ == "__main__":
    EchoAgent.delay_s = float(sys.argv[2])
    uvloop.run(_serve(int(sys.argv[1])))
