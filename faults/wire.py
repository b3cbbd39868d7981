"""HTTP/1.1 on the wire: heads read, bodies passed on in the very bytes they came in."""

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Self

PIECE_BYTES = 64 * 1024
_HOST_LINE = re.compile(rb"^host:[^\r]*", re.IGNORECASE | re.MULTILINE)
_WITHOUT_BODY = frozenset({204, 304})


class MalformedMessage(Exception):
    """What came is not HTTP/1.1."""


@dataclass(frozen=True, slots=True)
class Head:
    """Start line and fields of one message: `raw` as they came, `fields` by lower-case name, `length` of the body."""

    raw: bytes
    start: tuple[str, str, str]
    fields: dict[str, str]
    length: int | None

    @classmethod
    async def read(cls, reader: asyncio.StreamReader) -> Self:
        """The next head; raises `IncompleteReadError` when the stream ends before it is whole."""
        raw = await _until(reader, b"\r\n\r\n")
        first, *lines = raw.decode("latin-1").split("\r\n")
        start = first.split(" ", 2)
        if len(start) < 2:
            raise MalformedMessage("there is no start line")
        pairs = (line.partition(":") for line in lines if line)
        fields = {name.lower(): value.strip() for name, _, value in pairs}
        told = fields.get("content-length")
        if told is not None and not told.isdecimal():
            raise MalformedMessage("content-length is not a number")
        length = None if told is None else int(told)
        return cls(raw, (start[0], start[1], start[2] if len(start) > 2 else ""), fields, length)

    @property
    def chunked(self) -> bool:
        """Whether the body says itself where it ends."""
        return "chunked" in self.fields.get("transfer-encoding", "").lower()

    @property
    def keeps_alive(self) -> bool:
        """Whether its sender wants to go on with the connection."""
        wish = self.fields.get("connection", "").lower()
        version = self.start[0] if self.start[0].startswith("HTTP/") else self.start[2]
        return "keep-alive" in wish if version == "HTTP/1.0" else "close" not in wish

    @property
    def status(self) -> int:
        """The status of a response."""
        if not self.start[1].isdecimal():
            raise MalformedMessage("there is no status")
        return int(self.start[1])

    @property
    def path(self) -> str:
        """The path of a request, without its query."""
        return self.start[1].partition("?")[0]

    def addressed(self, host: str, prefix: str) -> bytes:
        """The head of a request as the agent at `host` is sent it; nothing else is changed."""
        raw = _HOST_LINE.sub(b"Host: " + host.encode(), self.raw, count=1)
        return raw.replace(b" ", b" " + prefix.encode(), 1) if prefix else raw


def has_body(reply: Head, method: str) -> bool:
    """Whether a body follows the head of this answer."""
    return method != "HEAD" and reply.status not in _WITHOUT_BODY


async def body_pieces(reader: asyncio.StreamReader, head: Head, *, until_end: bool = False) -> AsyncIterator[bytes]:
    """The raw body as it comes, framing included; `until_end`: one of no told size lasts as long as the connection."""
    if head.chunked:
        async for piece in _chunks(reader):
            yield piece
    elif head.length is not None:
        async for piece in _exactly(reader, head.length):
            yield piece
    elif until_end:
        while piece := await reader.read(PIECE_BYTES):
            yield piece


async def _until(reader: asyncio.StreamReader, mark: bytes) -> bytes:
    try:
        return await reader.readuntil(mark)
    except asyncio.LimitOverrunError as error:
        raise MalformedMessage("a line or a head is too large") from error


async def _exactly(reader: asyncio.StreamReader, size: int) -> AsyncIterator[bytes]:
    while size:
        piece = await reader.read(min(size, PIECE_BYTES))
        if not piece:
            raise asyncio.IncompleteReadError(b"", size)
        size -= len(piece)
        yield piece


async def _chunks(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    size = -1
    while size:
        line = await _until(reader, b"\r\n")
        size = _chunk_size(line)
        yield line
        if size:
            async for piece in _exactly(reader, size + 2):  # with the line end after it
                yield piece
    while True:  # trailers, up to the empty line
        line = await _until(reader, b"\r\n")
        yield line
        if line == b"\r\n":
            return


def _chunk_size(line: bytes) -> int:
    try:
        return int(line.partition(b";")[0], 16)
    except ValueError as error:
        raise MalformedMessage("a chunk has no size") from error


def unchunked(raw: bytes) -> bytes:
    """The content of a whole chunked body."""
    found, at = [], 0
    while size := _chunk_size(raw[at : (end := raw.index(b"\r\n", at))]):
        found.append(raw[end + 2 : end + 2 + size])
        at = end + 2 + size + 2
    return b"".join(found)


class RequestBody:
    """The body of a request: passed on as it comes, or held for a while because a rule wants to see it."""

    def __init__(self, reader: asyncio.StreamReader, head: Head) -> None:
        self._pieces, self._head = body_pieces(reader, head), head
        self._held = b""

    async def content(self) -> bytes:
        """All of it; it can still be passed on."""
        self._held = b"".join([piece async for piece in self._pieces])
        return unchunked(self._held) if self._head.chunked else self._held

    async def drain(self) -> None:
        """Read it to its end and forget it."""
        async for _ in self._pieces:
            pass

    async def pass_on(self, writer: asyncio.StreamWriter) -> None:
        """Write all of it to `writer`."""
        if self._held:
            writer.write(self._held)
        async for piece in self._pieces:
            writer.write(piece)
            await writer.drain()
