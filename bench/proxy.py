"""A proxy that counts the commands clients send to Valkey: `python -m bench.proxy PORT UPSTREAM_PORT`.

The server's own counters mix what clients send with what scripts call inside it, and MONITOR slows it down. On the wire
only the clients' commands are seen; what scripts call is the server's count less these.
"""

import asyncio
import json
import sys
import threading
from collections import Counter
from pathlib import Path

from bench.processes import Spoken, free_port, wait_for_port


class CommandCounter:
    """Counts the commands in one client's stream of RESP arrays, however it is cut into pieces."""

    def __init__(self, counts: Counter[str]) -> None:
        self._counts, self._buffer = counts, bytearray()

    def feed(self, data: bytes) -> None:
        """Count what has become whole."""
        self._buffer += data
        at = 0
        while (found := self._command(at)) is not None:
            name, at = found
            self._counts[name.upper().decode()] += 1
        del self._buffer[:at]

    def _command(self, at: int) -> tuple[bytes, int] | None:
        """Name of the command that begins at `at`, and where it ends; None when it is not all there."""
        head = self._number(at, b"*")
        if head is None:
            return None
        words, at = head
        name = b""
        for number in range(words):
            size = self._number(at, b"$")
            if size is None or len(self._buffer) < size[1] + size[0] + 2:
                return None
            length, start = size
            name = name if number else bytes(self._buffer[start : start + length])
            at = start + length + 2
        return name, at

    def _number(self, at: int, mark: bytes) -> tuple[int, int] | None:
        end = self._buffer.find(b"\r\n", at)
        if end < 0:
            return None
        if self._buffer[at : at + 1] != mark:
            raise ValueError(f"not a RESP array of bulk strings: {bytes(self._buffer[at : at + 20])!r}")
        return int(self._buffer[at + 1 : end]), end + 2


class Proxy(Spoken):
    """The proxy as a child process."""

    def __init__(self, folder: Path, upstream_port: int) -> None:
        port = free_port()
        self.url = f"redis://127.0.0.1:{port}/0"
        super().__init__("proxy", [sys.executable, "-m", "bench.proxy", str(port), str(upstream_port)], folder, {})
        wait_for_port(port, self)

    def counts(self) -> Counter[str]:
        """Commands sent so far, by name."""
        return Counter(self.order(order="counts"))


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, counter: CommandCounter | None) -> None:
    try:
        while data := await reader.read(65_536):
            if counter is not None:
                counter.feed(data)
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass  # either end hung up; the other is told by closing
    finally:
        writer.close()


async def _serve(port: int, upstream_port: int, counts: Counter[str]) -> None:
    async def serve_one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream_reader, upstream_writer = await asyncio.open_connection("127.0.0.1", upstream_port)
        await asyncio.gather(
            _pipe(reader, upstream_writer, CommandCounter(counts)), _pipe(upstream_reader, writer, None)
        )

    server = await asyncio.start_server(serve_one, "127.0.0.1", port, backlog=4096)
    await server.serve_forever()


def main() -> None:
    """Relay until the input ends; answer each line with the counts."""
    counts: Counter[str] = Counter()
    serving = threading.Thread(target=asyncio.run, args=(_serve(int(sys.argv[1]), int(sys.argv[2]), counts),))
    serving.daemon = True
    serving.start()
    for _ in sys.stdin:
        print(json.dumps(dict(counts)), flush=True)


if __name__ == "__main__":
    main()
