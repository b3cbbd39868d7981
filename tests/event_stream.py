"""A client of a workflow's stream of events, of which a thousand fit into one process: asyncio, no library between."""

import asyncio
import json
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

BLANK = b"\r\n\r\n"


@dataclass(frozen=True)
class Received:
    """One event, and when it came."""

    name: str
    event_id: str
    data: dict[str, Any]
    at_ms: float


@dataclass
class EventStream:
    """One client; it may drop its connection and come back. It goes on after the last id it has."""

    port: int
    workflow_id: str
    received: list[Received] = field(default_factory=list)
    heartbeats: int = 0

    @property
    def last_id(self) -> str:
        return next((one.event_id for one in reversed(self.received) if one.event_id), "0-0")

    @property
    def ids(self) -> list[str]:
        return [one.event_id for one in self.received if one.event_id]

    @property
    def ended(self) -> bool:
        return bool(self.received) and self.received[-1].name == "end"

    async def connect(self) -> None:
        """Come (back) and send the request."""
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self.port)
        self._writer.write((f"GET /api/workflow/{self.workflow_id}/events HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                            f"Last-Event-ID: {self.last_id}\r\n\r\n").encode())
        await self._writer.drain()

    async def open(self) -> None:
        """Come (back) until the stream has begun."""
        await self.connect()
        head = await self._reader.readuntil(BLANK)
        assert head.startswith(b"HTTP/1.1 200 "), head
        self._rest = b""

    async def read(self, count: int = 10**9) -> None:
        """Take `count` events, or all up to the end of the stream, which must come where it is told."""
        while count and not self.ended:
            block = await self._block()
            assert block is not None, f"the stream broke off after {self.received[-1:]}"
            count -= self._take(block)
        if self.ended:
            while (block := await self._block()) is not None:
                assert not self._take(block), "something follows the end"
            await self.drop()

    async def beaten(self, times: int) -> None:
        """Read until so many heartbeats have come."""
        while self.heartbeats < times:
            block = await self._block()
            assert block is not None, "the stream ended"
            self._take(block)

    async def drop(self) -> None:
        """Hang up, whatever is on its way."""
        self._writer.transport.abort()
        with suppress(OSError):
            await self._writer.wait_closed()

    async def _block(self) -> bytes | None:
        """Up to the next blank line; None at the end of the body."""
        while BLANK not in self._rest:
            size = int(await self._reader.readline(), 16)
            self._rest += (await self._reader.readexactly(size + 2))[:-2]
            if not size:
                return None
        block, _, self._rest = self._rest.partition(BLANK)
        return block

    def _take(self, block: bytes) -> int:
        lines = block.decode().split("\r\n")
        if all(line.startswith(":") for line in lines):
            self.heartbeats += 1
            return 0
        told = dict(line.split(": ", 1) for line in lines)
        self.received.append(Received(told["event"], told.get("id", ""), json.loads(told["data"]), time.time() * 1000))
        return 1
