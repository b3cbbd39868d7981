"""A front: the proxy's side of one agent, where the agent really is, its rules, and what was counted."""

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from faults.ledger import CallLog, Counters, Entry
from faults.rules import Rule
from faults.switchboard import Switchboard
from faults.wire import PIECE_BYTES, Head


@dataclass(frozen=True, slots=True)
class Upstream:
    """The real agent: `netloc` for the Host line, `prefix` before every path."""

    url: str

    @property
    def netloc(self) -> str:
        """Host and port as the URL writes them."""
        return urlsplit(self.url).netloc.rpartition("@")[2]

    @property
    def prefix(self) -> str:
        """Path of the URL, without a slash at its end."""
        return urlsplit(self.url).path.rstrip("/")

    async def connect(self, ended: Callable[[], object]) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection of its own to the agent; `ended` is called when the agent ends it."""
        parts, loop = urlsplit(self.url), asyncio.get_running_loop()
        secure = parts.scheme == "https"
        protocol = WatchedStream(ended=ended)
        transport, _ = await loop.create_connection(
            lambda: protocol,
            parts.hostname or "",
            parts.port or (443 if secure else 80),
            ssl=ssl.create_default_context() if secure else None,
        )
        return protocol.reader, asyncio.StreamWriter(transport, protocol, protocol.reader, loop)


class WatchedStream(asyncio.StreamReaderProtocol):
    """A stream that says when the other end has hung up, also while nobody reads."""

    def __init__(
        self,
        begun: Callable[[asyncio.StreamReader, asyncio.StreamWriter], None] | None = None,
        ended: Callable[[], object] | None = None,
    ) -> None:
        self.reader = asyncio.StreamReader(limit=PIECE_BYTES)
        super().__init__(self.reader, begun)
        self.ended = ended

    def eof_received(self) -> bool:
        """The other end says no more; to us that is a goodbye, as it is to most servers."""
        super().eof_received()
        self._tell()
        return False

    def connection_lost(self, error: Exception | None) -> None:
        """The connection is gone."""
        super().connection_lost(error)
        self._tell()

    def _tell(self) -> None:
        if self.ended is not None:
            self.ended()


@dataclass(slots=True)
class Front:
    """One agent as the proxy knows it; health checks are counted apart from calls."""

    name: str
    url: str
    upstream: Upstream
    log: CallLog
    switchboard: Switchboard
    calls: Counters = field(default_factory=Counters)
    health: Counters = field(default_factory=Counters)

    def entry(self, head: Head, *, health: bool) -> Entry:
        """A new line in the book."""
        return Entry(self.name, head, self.health if health else self.calls, self.log)

    def described(self, serialise: Callable[[list[Rule]], Any]) -> dict[str, Any]:
        """As the control API tells it."""
        return {
            "url": self.url,
            "upstream": self.upstream.url,
            "rules": serialise(self.switchboard.rules),
            "calls": self.calls.described(),
            "health": self.health.described(),
        }
