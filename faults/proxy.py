"""The proxy: one listening socket an agent, and the connections that came through it."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager

from faults.connection import Connection
from faults.front import Front, WatchedStream

BACKLOG = 4096


class _Connections:
    """The connections of one front that are open."""

    def __init__(self, front: Front) -> None:
        self._front = front
        self._open: set[Connection] = set()

    def accept(self) -> WatchedStream:
        """The protocol of a connection that comes in."""
        stream = WatchedStream(begun=lambda reader, writer: self._begin(stream, reader, writer))
        return stream

    def _begin(self, stream: WatchedStream, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = Connection(self._front, reader, writer)
        self._open.add(connection)

        def ended() -> None:
            self._open.discard(connection)
            connection.end()

        stream.ended = ended

    async def end(self) -> None:
        """End all that are open."""
        await asyncio.gather(*(connection.end() for connection in self._open), return_exceptions=True)


@asynccontextmanager
async def serving(fronts: Mapping[str, Front], sockets: Mapping[str, socket.socket]) -> AsyncIterator[None]:
    """Proxy for every front on its socket, for a while."""
    loop = asyncio.get_running_loop()
    served = [(_Connections(front), sockets[name]) for name, front in fronts.items()]
    servers = [await loop.create_server(one.accept, sock=sock, backlog=BACKLOG) for one, sock in served]
    try:
        yield
    finally:
        await _end(servers, [one for one, _ in served])


async def _end(servers: Iterable[asyncio.Server], connections: Iterable[_Connections]) -> None:
    for server in servers:
        server.close()
    for one in connections:
        await one.end()
