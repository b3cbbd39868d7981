"""Connections to Valkey over TLS that share what is needed to check its certificate.

redis-py makes it anew for each connection, and reads all the system's authorities: 30 ms, in an event loop too.
"""

import socket
import ssl
from functools import cache
from typing import Any

import redis
import redis.asyncio


@cache
def _trusting(ca_file: str) -> ssl.SSLContext:
    """Trusts the system's authorities, and those in `ca_file`."""
    context = ssl.create_default_context()
    if ca_file:
        context.load_verify_locations(ca_file)
    return context


class TlsConnection(redis.SSLConnection):
    """For threads and greenlets."""

    def _wrap_socket_with_ssl(self, sock: socket.socket) -> ssl.SSLSocket:
        return _trusting(self.ca_certs or "").wrap_socket(sock, server_hostname=self.host)


class AsyncTlsConnection(redis.asyncio.SSLConnection):
    """For an event loop."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.ssl_context.context = _trusting(self.ca_certs or "")
