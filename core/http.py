"""HTTP sessions for calls of ours: pooled, never retried behind the caller's back, and blind to the environment.

Proxies and .netrc are for the way out; agents and the API are named by our own settings. A call may be stopped from
another thread, while it connects and while it waits for the answer (`core.stoppable`). An answer has to be there in
its time as a whole, however steadily it trickles, and none leaves a cookie behind.
"""

import errno
import http.client
import io
import os
import socket
import time
from contextlib import suppress
from functools import cache, partial
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError
from urllib3.util.connection import allowed_gai_family
from urllib3.util.wait import wait_for_write

from core.settings import get_settings
from core.stoppable import StoppableCall, present_call

MAX_CONNECTIONS = 4_000  # one per greenlet that waits for an agent; they are made when needed
IDLE_S = 75  # our servers keep idle connections this long: one closed between two health checks would look like a fault
HEAD_MAX_BYTES = 256 * 1024  # status lines and headers, interim ones included


class AnswerTooLong(http.client.HTTPException):
    """There is no end of headers, interim answers, chunk sizes or trailers."""


class _BoundedStream(io.RawIOBase):
    """What comes over a socket, up to so many bytes and to one moment: a recv's own timeout begins anew each time."""

    def __init__(self, raw: io.RawIOBase, sock: socket.socket, ends_at: float) -> None:
        self._raw, self._sock, self._ends_at = raw, sock, ends_at
        self.bytes_left = HEAD_MAX_BYTES

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left_s = self._ends_at - time.monotonic()
        if left_s <= 0:
            raise TimeoutError("the answer is not there in time")
        before = self._sock.gettimeout()
        self._sock.settimeout(left_s)
        try:
            count = self._raw.readinto(buffer)
        finally:
            with suppress(OSError):  # closed meanwhile
                self._sock.settimeout(before)
        self.bytes_left -= count or 0
        if self.bytes_left < 0:
            raise AnswerTooLong("the answer does not end")
        return count

    def close(self) -> None:
        self._raw.close()
        super().close()


class _TimedResponse(http.client.HTTPResponse):
    """An answer that must be there, to its last byte, `limit_s` after it was asked for."""

    def __init__(self, sock: socket.socket, *args: Any, limit_s: float, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self._stream = _BoundedStream(self.fp.detach(), sock, time.monotonic() + limit_s)
        self.fp = io.BufferedReader(self._stream)

    def begin(self) -> None:
        super().begin()
        # Twice, for what chunks add; the caller bounds the decoded body.
        self._stream.bytes_left = HEAD_MAX_BYTES + 2 * get_settings().agent_reply_limit_bytes


class StoppableConnection(HTTPConnection):
    """Tells the present call which socket it waits on."""

    held_by: StoppableCall | None = None

    def request(self, *args: Any, **kwargs: Any) -> None:
        """Send a request, on a connection that stands or is made for it."""
        if self.sock is not None:
            self._told(self.sock)
        super().request(*args, **kwargs)

    def getresponse(self) -> Any:
        """The answer; by now `timeout` is the time it may take."""
        if isinstance(self.timeout, int | float):
            self.response_class = partial(_TimedResponse, limit_s=self.timeout)  # type: ignore[assignment]
        return super().getresponse()

    def _new_conn(self) -> socket.socket:
        """Do as urllib3 does, but the socket is known while it connects."""
        try:
            return self._connected()
        except socket.gaierror as error:
            raise NameResolutionError(self.host, self, error) from error
        except TimeoutError as error:
            raise ConnectTimeoutError(self, f"no connection to {self.host} within {self.timeout} s") from error
        except OSError as error:
            raise NewConnectionError(self, str(error)) from error

    def _connected(self) -> socket.socket:
        fault = OSError(f"{self.host} has no address")
        found = socket.getaddrinfo(self._dns_host.strip("[]"), self.port, allowed_gai_family(), socket.SOCK_STREAM)
        for family, kind, protocol, _, address in found:
            sock = socket.socket(family, kind, protocol)
            try:
                for option in self.socket_options or ():
                    sock.setsockopt(*option)
                self._connect_to(address, sock)
            except OSError as error:
                fault = error
                sock.close()
            except BaseException:
                sock.close()
                raise
            else:
                return sock
        raise fault

    def _connect_to(self, address: Any, sock: socket.socket) -> None:
        """Begin to connect, tell of it, wait: a socket that has not begun could not be shut down."""
        sock.setblocking(False)
        fault = sock.connect_ex(address)
        self._told(sock)
        if fault == errno.EINPROGRESS:
            if not wait_for_write(sock, self.timeout):
                raise TimeoutError(f"no connection within {self.timeout} s")
            fault = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if fault:
            raise OSError(fault, os.strerror(fault))
        sock.settimeout(self.timeout)

    def _told(self, sock: socket.socket) -> None:
        if (call := present_call()) is not None:
            call.waits_on(self, sock)


class StoppableHTTPSConnection(StoppableConnection, HTTPSConnection):
    """The same over TLS."""


class _Pool(HTTPConnectionPool):
    ConnectionCls = StoppableConnection


class _HTTPSPool(HTTPSConnectionPool):
    ConnectionCls = StoppableHTTPSConnection


def small_body(response: requests.Response, most_bytes: int) -> bytes:
    """The decoded body of a streamed answer, as far as `most_bytes` go; beyond them there is nothing to be learned."""
    body = b""
    while len(body) < most_bytes and (piece := response.raw.read1(most_bytes - len(body), decode_content=True)):
        body += piece
    return body


@cache
def get_session() -> requests.Session:
    """The session of this process."""
    session = requests.Session()
    session.trust_env = False
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    adapter = HTTPAdapter(pool_connections=16, pool_maxsize=MAX_CONNECTIONS, max_retries=0)
    adapter.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _HTTPSPool}
    session.mount("http://", adapter)
    session.mount("https://", adapter)
    return session
