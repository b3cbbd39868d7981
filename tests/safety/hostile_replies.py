"""Hostile replies: what each does, to which call, and how our client is to see it (None: it is harmless)."""

import gzip
import json
import random
import socket
import struct
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from agents.errors import (
    AgentCrashed,
    AgentError,
    AgentRefused,
    AgentTimeout,
    AgentUnavailable,
    InvalidResponse,
    RateLimited,
    Rejected,
)
from tests.safety.hostile_agent import LIMIT_S, Sender, answer
from tests.scripted_agent import STANDARD, VEGA

NLP, DATA, VIZ = "/process", "/execute", "/visualize"
MIB = 1024 * 1024
CANARY_HOST = "hostile.invalid"
SCRIPT = "<script>alert('baton')</script><img src=x onerror=alert('baton')>"


@dataclass(frozen=True)
class Hostile:
    """One reply; `error` is what our client makes of it."""

    name: str
    path: str
    send: Sender
    error: type[AgentError] | None


def sent(*pieces: bytes) -> Sender:
    """These bytes, then the end."""
    def send(connection: socket.socket) -> None:
        with suppress(OSError):
            connection.sendall(b"".join(pieces))
    return send


def whole(text: bytes, *headers: str, status: str = "200 OK", kind: str = "application/json") -> Sender:
    """A whole answer; the connection stays."""
    def send(connection: socket.socket) -> bool:
        connection.sendall(answer(text, *headers, status=status, kind=kind))
        return True
    return send


def endlessly(start: bytes, piece: bytes, pause_s: float = 0.0) -> Sender:
    """A start, and then the same again and again, until nobody listens."""
    def send(connection: socket.socket) -> None:
        ends_at = time.monotonic() + LIMIT_S
        with suppress(OSError):
            connection.sendall(start)
            while time.monotonic() < ends_at:
                connection.sendall(piece)
                time.sleep(pause_s)
    return send


def smuggling(text: bytes) -> Sender:
    """A whole answer, and behind it one more, for a call that was not made yet."""
    def send(connection: socket.socket) -> bool:
        connection.sendall(text + answer(json.dumps(body(NLP, sql_query="SELECT 'smuggled'")).encode()))
        return True
    return send


def slowly(text: bytes) -> Sender:
    """All of it, in four parts."""
    def send(connection: socket.socket) -> bool:
        for at in range(0, len(text), len(text) // 4 + 1):
            connection.sendall(text[at:at + len(text) // 4 + 1])
            time.sleep(0.1)
        return True
    return send


def reset_after(start: bytes) -> Sender:
    """A start, then a reset of the connection."""
    def send(connection: socket.socket) -> None:
        connection.sendall(start)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return send


def half_closed(connection: socket.socket) -> None:
    """No more is said, but the connection stays."""
    connection.shutdown(socket.SHUT_WR)
    with suppress(OSError):
        connection.recv(1)


def silent(connection: socket.socket) -> None:
    """Not a word until the caller has gone."""
    with suppress(OSError):
        connection.recv(1)


def body(path: str, **changes: Any) -> dict[str, Any]:
    """The ordinary reply of a path, with changes."""
    return {**STANDARD[path], **changes}


def said(path: str, **changes: Any) -> Sender:
    """The ordinary reply of a path, with changes."""
    return whole(json.dumps(body(path, **changes)).encode())


def rows(**result: Any) -> Sender:
    """A data agent's reply with this result."""
    return said(DATA, result=result)


def raw(text: str | bytes) -> Sender:
    """These bytes as the body."""
    return whole(text.encode() if isinstance(text, str) else text)


def chart(**changes: Any) -> Sender:
    """A viz agent's reply with this spec."""
    return said(VIZ, chart_data={**VEGA, **changes})


def squeezed(encoding: str, compress: Callable[[bytes], bytes], size: int = 64 * MIB) -> Sender:
    """A small body that becomes a large one."""
    def send(connection: socket.socket) -> object:
        head = b'{"sql_query": "' + b" " * size + b'"}'
        return whole(compress(head), f"Content-Encoding: {encoding}")(connection)
    return send


def _http() -> Iterator[Hostile]:
    ok = b"HTTP/1.1 200 OK\r\n"
    chunked = ok + b"Transfer-Encoding: chunked\r\n\r\n"
    good = json.dumps(STANDARD[NLP]).encode()
    yield Hostile("a body without end", NLP, endlessly(ok + b"\r\n", b" " * 65_536), InvalidResponse)
    yield Hostile("chunks without end", NLP, endlessly(chunked, b"ffff\r\n" + b" " * 65_535 + b"\r\n"), InvalidResponse)
    yield Hostile("a length of an exabyte", NLP, endlessly(ok + b"Content-Length: 1152921504606846976\r\n\r\n",
                                                            b" " * 65_536), InvalidResponse)
    yield Hostile("a huge body, well-formed", DATA, sent(answer(b'{"rows": [["' + b"x" * 20 * MIB + b'"]]}')),
                  InvalidResponse)
    yield Hostile("a body that drips", NLP, endlessly(ok + b"Content-Length: 100000\r\n\r\n", b" ", 0.05), AgentTimeout)
    yield Hostile("headers that drip", NLP, endlessly(ok + b"X: ", b"x", 0.05), AgentTimeout)
    yield Hostile("a status line that drips", NLP, endlessly(b"HTTP/1.1 200 ", b"O", 0.05), AgentTimeout)
    interim = b"HTTP/1.1 100 Continue\r\n\r\n"
    yield Hostile("interim answers that drip", NLP, endlessly(b"", interim, 0.05), AgentTimeout)
    yield Hostile("chunks that drip", NLP, endlessly(chunked, b"1\r\n \r\n", 0.05), AgentTimeout)
    yield Hostile("compressed nothing that drips", NLP, endlessly(
        ok + b"Content-Encoding: gzip\r\nContent-Length: 9999999\r\n\r\n", gzip.compress(b""), 0.05), AgentTimeout)
    yield Hostile("a body that comes slowly and in time", NLP, slowly(answer(good)), None)
    yield Hostile("silence", NLP, silent, AgentTimeout)
    yield Hostile("interim answers without end", NLP, endlessly(b"", interim * 1_000), AgentUnavailable)
    yield Hostile("early hints without end", NLP, endlessly(b"", b"HTTP/1.1 103 Early Hints\r\nA: b\r\n\r\n" * 1_000),
                  InvalidResponse)
    yield Hostile("trailers without end", NLP, endlessly(chunked + b"0\r\n", b"X-Trailer: y\r\n" * 1_000),
                  AgentUnavailable)
    yield Hostile("one header of 10 MB", NLP, sent(ok, b"X: " + b"y" * 10 * MIB, b"\r\n\r\n"), AgentUnavailable)
    yield Hostile("10,000 headers", NLP, sent(ok, *(b"X-%d: y\r\n" % n for n in range(10_000)), b"\r\n"),
                  AgentUnavailable)
    yield Hostile("a status line of 10 MB", NLP, sent(b"HTTP/1.1 200 " + b"O" * 10 * MIB + b"\r\n\r\n"),
                  AgentUnavailable)
    yield Hostile("less than it announced", NLP, sent(answer(good, length=len(good) + 10)), AgentUnavailable)
    yield Hostile("more than it announced", NLP, smuggling(answer(good)), None)
    yield Hostile("a negative length", NLP, sent(ok + b"Content-Length: -5\r\n\r\n" + good), None)
    yield Hostile("two lengths", NLP, sent(ok + b"Content-Length: 3\r\nContent-Length: 300\r\n\r\n" + good),
                  AgentUnavailable)
    yield Hostile("a chunk size that is no number", NLP, sent(chunked, b"zz\r\n{}\r\n0\r\n\r\n"), AgentUnavailable)
    yield Hostile("a negative chunk size", NLP, sent(chunked, b"-5\r\n{}\r\n0\r\n\r\n"), AgentUnavailable)
    yield Hostile("a chunk size without end", NLP, endlessly(chunked, b"f" * 65_536), AgentUnavailable)
    yield Hostile("TLS on a plain port", NLP, sent(b"\x15\x03\x01\x00\x02\x02\x46"), AgentUnavailable)
    yield Hostile("HTTP/0.9", NLP, sent(good), AgentUnavailable)
    yield Hostile("HTTP/9.9", NLP, sent(b"HTTP/9.9 200 OK\r\n\r\n" + good), AgentUnavailable)
    yield Hostile("no status", NLP, sent(b"HTTP/1.1 abc OK\r\n\r\n" + good), AgentUnavailable)
    yield Hostile("status 999", NLP, whole(good, status="999 Odd"), AgentCrashed)
    yield Hostile("status 204 with a body", NLP, sent(answer(good, status="204 No Content")), InvalidResponse)
    yield Hostile("another protocol", NLP, whole(b"", "Upgrade: websocket", status="101 Switching Protocols"),
                  InvalidResponse)
    yield Hostile("bytes at random", NLP, sent(random.Random(8).randbytes(100_000)), AgentUnavailable)
    yield Hostile("a reset before a word", NLP, reset_after(b""), AgentUnavailable)
    yield Hostile("a reset amid the headers", NLP, reset_after(ok + b"Content-Le"), AgentUnavailable)
    yield Hostile("a reset amid the body", NLP, reset_after(answer(good)[:-9]), AgentUnavailable)
    yield Hostile("a half-closed connection", NLP, half_closed, AgentUnavailable)
    yield Hostile("cookies", NLP, whole(good, *(f"Set-Cookie: c{n}={'x' * 500}; Path=/" for n in range(90))), None)


def _compressed() -> Iterator[Hostile]:
    yield Hostile("a gzip bomb", NLP, squeezed("gzip", gzip.compress), InvalidResponse)
    yield Hostile("a deflate bomb", NLP, squeezed("deflate", zlib.compress), InvalidResponse)
    yield Hostile("a bomb within a bomb", NLP, squeezed(
        "gzip, gzip", lambda data: gzip.compress(gzip.compress(data))), InvalidResponse)
    yield Hostile("fifty layers", NLP, whole(b"x", "Content-Encoding: " + ", ".join(["gzip"] * 50)),
                  AgentUnavailable)
    yield Hostile("brotli that is none", NLP, whole(b"\x8b\xff\x00", "Content-Encoding: br"), InvalidResponse)
    yield Hostile("gzip that is none", NLP, whole(b"{}", "Content-Encoding: gzip"), AgentUnavailable)


def _redirects() -> Iterator[Hostile]:
    for where in ("file:///etc/passwd", "http://169.254.169.254/latest/meta-data/", "/process", f"//{CANARY_HOST}/",
                  "gopher://127.0.0.1:6379/_FLUSHALL"):
        yield Hostile(f"a redirect to {where}", NLP, whole(b"", f"Location: {where}", status="307 Elsewhere"),
                      Rejected)


def _json() -> Iterator[Hostile]:
    yield Hostile("lists 100,000 deep", NLP, raw("[" * 100_000 + "]" * 100_000), InvalidResponse)
    yield Hostile("objects 100,000 deep", NLP, raw('{"a":' * 100_000 + "1" + "}" * 100_000), InvalidResponse)
    yield Hostile("depth in a cell", DATA, raw('{"rows": [[' + "[" * 50_000 + "]" * 50_000 + ']], "columns": ["x"]}'),
                  InvalidResponse)
    yield Hostile("a number of 5,000 digits", DATA, raw('{"rows": [[' + "9" * 5_000 + ']], "columns": ["x"]}'),
                  InvalidResponse)
    yield Hostile("a number of 4,000 digits", DATA, raw('{"rows": [[' + "9" * 4_000 + ']], "columns": ["x"]}'), None)
    yield Hostile("infinite numbers", DATA, raw('{"rows": [[1e999], [NaN], [-Infinity], [1]], "columns": ["x"], '
                                                '"row_count": 1e999, "processing_time_ms": 1e999}'), None)
    yield Hostile("an infinite confidence", NLP, raw('{"sql_query": "SELECT 1 AS x", "confidence_score": 1e999}'), None)
    yield Hostile("half a character", DATA, raw(r'{"rows": [["\ud800"]], "columns": ["x"]}'), InvalidResponse)
    yield Hostile("no UTF-8", NLP, raw(b'{"sql_query": "SELECT \xff\xfe"}'), InvalidResponse)
    yield Hostile("UTF-16", NLP, raw('{"sql_query": "SELECT 1"}'.encode("utf-16")), InvalidResponse)
    yield Hostile("NUL in every text", DATA, rows(data=[{"x\0": "a\0b"}], columns=["x\0"], row_count=1), None)
    yield Hostile("the same key twice", NLP, raw('{"sql_query": "DROP TABLE x", "sql_query": "SELECT 1 AS x"}'), None)
    yield Hostile("HTML instead of JSON", NLP, whole(SCRIPT.encode(), kind="text/html"), InvalidResponse)
    yield Hostile("a picture's content type", NLP, whole(json.dumps(STANDARD[NLP]).encode(), kind="image/png"), None)
    yield Hostile("5 million empty rows", DATA, raw('{"rows": [' + "{}," * 5_000_000 + "{}]}"), InvalidResponse)
    yield Hostile("4 million columns", DATA, raw('{"rows": [], "columns": [' + "1," * 4_000_000 + "1]}"),
                  InvalidResponse)
    yield Hostile("a row of 200,000 columns", DATA, raw(json.dumps({"rows": [{str(n): 1 for n in range(200_000)}]})),
                  InvalidResponse)
    yield Hostile("a cell of 10 MB", DATA, rows(data=[{"x": "y" * 10 * MIB}], columns=["x"], row_count=1), None)
    yield Hostile("rows of mixed shapes", DATA, raw('{"rows": [{"x": 1}, [1], 5], "columns": ["x"]}'), InvalidResponse)
    yield Hostile("objects for cells", DATA, rows(data=[{"x": {"y": [1, {"z": None}]}}, {"x": 1}, {"w": "a"}],
                                                  columns=["x"], row_count=3), None)
    yield Hostile("columns of JavaScript's own", DATA, rows(
        data=[{"__proto__": 1, "constructor": "x", "toString": None}] * 3,
        columns=["__proto__", "constructor", "toString"], row_count=3), None)
    yield Hostile("5 million queries", NLP, raw('{"queries": [' + "{}," * 5_000_000 + "{}]}"), InvalidResponse)
    yield Hostile("10,000 queries", NLP, raw(json.dumps({"queries": [{"name": str(n), "sql_query": "SELECT 1"}
                                                                     for n in range(10_000)]})), InvalidResponse)
    yield Hostile("a statement of 10 MB", NLP, said(NLP, sql_query="SELECT " + "1," * 5 * MIB + "1"), None)


def _errors() -> Iterator[Hostile]:
    injected = "gone\n2026-01-01T00:00:00Z [info ] workflow_accepted forged=yes\x1b[2J\x1b]0;owned\x07\r\u2028"
    yield Hostile("lines and colours in an error", NLP, said(NLP, success=False, error={
        "message": injected, "error_type": injected, "recovery_action": injected, "suggestions": [injected]}),
        AgentRefused)
    yield Hostile("an error of 10 MB", NLP, said(NLP, success=False, error={
        "message": "m" * 10 * MIB, "extra": "x" * 4 * MIB}), AgentRefused)
    yield Hostile("100,000 suggestions", NLP, said(NLP, success=False, error={
        "message": "m", "suggestions": ["s" * 20] * 100_000}), AgentRefused)
    yield Hostile("HTML in an error", NLP, said(NLP, success=False, error={
        "message": SCRIPT, "error_type": SCRIPT, "recovery_action": SCRIPT, "suggestions": [SCRIPT],
        "did_you_mean": [SCRIPT], "unmatched": [SCRIPT]}), AgentRefused)
    yield Hostile("an error that fills what is ours", NLP, said(NLP, success=False, error={
        "message": "m", "step": "viz", "attempt": 99, "workflow_id": "f" * 32, "status": 200, "type": "x",
        "title": "t", "detail": "d"}), AgentRefused)
    for wait in ("1e12", "-1", "inf", "nan", "Fri, 31 Dec 9999 23:59:59 GMT", "9" * 400, "soon"):
        yield Hostile(f"Retry-After: {wait[:40]}", NLP, whole(b"{}", f"Retry-After: {wait}", status="429 Slow"),
                      RateLimited)
    yield Hostile("a wait without end in the body", NLP, said(NLP, success=False, error={
        "message": "m", "recovery_action": "retry", "retry_after_s": 1e300}), AgentRefused)


def _texts() -> Iterator[Hostile]:
    yield Hostile("HTML wherever a text is", NLP, said(
        NLP, interpretation=SCRIPT, assumptions=[SCRIPT], intent={"metric_type": SCRIPT, SCRIPT: SCRIPT},
        sql_query=f"SELECT 1 AS x -- {SCRIPT} </script>"), None)
    yield Hostile("HTML in columns and cells", DATA, rows(
        data=[{SCRIPT: SCRIPT, "</script>": "</script><script>alert(1)</script>"}] * 3,
        columns=[{"name": SCRIPT, "unit": SCRIPT}, "</script>"], row_count=3), None)
    yield Hostile("HTML in a chart's texts", VIZ, said(VIZ, chart_config={
        "title": SCRIPT, "alt_text": f'"><script>{SCRIPT}', "reason": SCRIPT, "chart_type": SCRIPT, "notes": [SCRIPT]}),
        None)
    yield Hostile("a page for a chart", VIZ, said(VIZ, chart_data=None, chart_html=SCRIPT), None)
    yield Hostile("a title of 10 MB", VIZ, said(VIZ, chart_config={"title": "t" * 10 * MIB}), None)
    yield Hostile("an answer for another workflow", DATA, said(
        DATA, query_id="f" * 32, workflow_id="f" * 32, step="nlp", idempotency_key="f" * 32 + ":nlp:0"), None)


def _charts() -> Iterator[Hostile]:
    away = f"http://{CANARY_HOST}/x"
    many = {"calculate": "datum.x + 1", "as": "x"}
    specs: dict[str, dict[str, Any]] = {
        "rows from elsewhere": {"data": {"url": away}},
        "rows from a file": {"data": {"url": "file:///etc/passwd"}},
        "a sequence of 1e9": {"data": {"sequence": {"start": 0, "stop": 1e9}}},
        "a sequence in an expression": {"transform": [{"calculate": "length(sequence(0, 1e9))", "as": "y"}]},
        "a billion imputed rows": {"transform": [{"impute": "x", "key": "y", "keyvals": {"start": 0, "stop": 1e9}}]},
        "1e9 steps of a density": {"transform": [{"density": "x", "steps": 1e9}]},
        "100,000 transforms": {"transform": [many] * 100_000},
        "100,000 layers": {"layer": [{"mark": "bar"}] * 100_000},
        "options for the page": {"usermeta": {"embedOptions": {"loader": {"baseURL": away}, "patch": away}}},
        "pictures": {"mark": {"type": "image", "url": away}},
        "a link": {"encoding": {"href": {"value": "javascript:alert('baton')"}}},
        "a link in a mark": {"mark": {"type": "point", "href": "javascript:alert('baton')"}},
        "code in expressions": {"params": [{"name": "p", "expr": "constructor.constructor('alert(1)')()"}],
                                "transform": [{"calculate": "toString.constructor('alert(1)')()", "as": "y"}]},
        "code in a signal": {"config": {"signals": [{"name": "s", "update": "window.alert('baton')"}]}},
        "a font from elsewhere": {"config": {"font": f"x; src: url({away})", "background": f"url({away})"}},
        "no chart at all": {"mark": {"type": ["a", {"b": None}]}, "encoding": []},
        "a size of 1e9": {"width": 1e9, "height": 1e9},
    }
    for name, spec in specs.items():
        yield Hostile(f"a chart with {name}", VIZ, chart(**spec), None)


HOSTILE = [*_http(), *_compressed(), *_redirects(), *_json(), *_errors(), *_texts(), *_charts()]
