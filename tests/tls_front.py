"""A TLS front for a server that speaks none: what comes in encrypted goes on in the clear, on loopback."""

import select
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.processes import free_ports

READ_BYTES = 65_536


@dataclass(frozen=True)
class Certificate:
    """One that vouches for itself, for `localhost`."""

    file: Path
    key: Path


def certificate(folder: Path, name: str) -> Certificate:
    """A new one, valid for a day."""
    made = Certificate(folder / f"{name}.pem", folder / f"{name}.key")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                    "-days", "1", "-subj", f"/CN={name}", "-addext", "subjectAltName=DNS:localhost",
                    "-keyout", made.key, "-out", made.file], check=True, capture_output=True)
    return made


class TlsFront:
    """Listens on `port`; `heard` counts the bytes that clients said under TLS."""

    def __init__(self, behind: int, shown: Certificate) -> None:
        (self.port,), self._behind, self.heard = free_ports(1), behind, 0
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(shown.file, shown.key)
        self._listening = socket.create_server(("127.0.0.1", self.port), backlog=128)

    @contextmanager
    def serving(self) -> Iterator["TlsFront"]:
        """Until the block ends; connections that are open then end with their clients."""
        threading.Thread(target=self._accept, daemon=True).start()
        try:
            yield self
        finally:
            self._listening.shutdown(socket.SHUT_RDWR)
            self._listening.close()

    def _accept(self) -> None:
        with suppress(OSError):  # it was closed
            while True:
                raw, _ = self._listening.accept()
                threading.Thread(target=self._serve, args=(raw,), daemon=True).start()

    def _serve(self, raw: socket.socket) -> None:
        with suppress(OSError), raw, self._context.wrap_socket(raw, server_side=True) as client, \
                socket.create_connection(("127.0.0.1", self._behind)) as server:
            for end in (client, server):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while said := self._next(client, server):  # until somebody hangs up, or at once: who trusts us not
                (server if said[0] is client else client).sendall(said[1])

    def _next(self, client: ssl.SSLSocket, server: socket.socket) -> tuple[socket.socket, bytes] | None:
        """Who said what; one thread, since OpenSSL lets no two use a connection at a time."""
        ready = [client] if client.pending() else select.select([client, server], [], [])[0]
        speaker: socket.socket = ready[0]
        said = speaker.recv(READ_BYTES)
        self.heard += len(said) if speaker is client else 0
        return (speaker, said) if said else None
