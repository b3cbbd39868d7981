"""HTTP on the wire: heads understood, bodies in the bytes they came in."""

import asyncio

import pytest

from faults.wire import Head, MalformedMessage, body_pieces, has_body, unchunked

CHUNKED = b"5;name=value\r\nhello\r\n1\r\n,\r\n6\r\n world\r\n0\r\nChecked: yes\r\n\r\n"


async def reader_of(*pieces: bytes) -> asyncio.StreamReader:
    reader = asyncio.StreamReader(limit=1_000)
    for piece in pieces:
        reader.feed_data(piece)
    reader.feed_eof()
    return reader


def head_of(raw: bytes) -> Head:
    async def read() -> Head:
        return await Head.read(await reader_of(raw))

    return asyncio.run(read())


def body_of(raw: bytes, *, until_end: bool = False) -> tuple[bytes, bytes]:
    """The body of a whole message, and what is left on the connection."""

    async def read() -> tuple[bytes, bytes]:
        reader = await reader_of(raw)
        head = await Head.read(reader)
        body = b"".join([piece async for piece in body_pieces(reader, head, until_end=until_end)])
        return body, await reader.read()

    return asyncio.run(read())


def test_a_request() -> None:
    head = head_of(b"POST /process?a=b HTTP/1.1\r\nHost: h:1\r\nX-Step:  nlp \r\nContent-Length: 3\r\n\r\n")
    assert (head.start[0], head.path, head.fields["x-step"], head.length) == ("POST", "/process", "nlp", 3)
    assert head.keeps_alive


def test_only_the_host_line_is_changed() -> None:
    raw = b"GET /health HTTP/1.1\r\nX-Host: h\r\nhOST: proxy:1\r\nX-Odd:\tv\r\n\r\n"
    assert head_of(raw).addressed("agent:2", "") == raw.replace(b"hOST: proxy:1", b"Host: agent:2")
    assert head_of(raw).addressed("agent:2", "/nlp").startswith(b"GET /nlp/health HTTP/1.1\r\n")


@pytest.mark.parametrize(("raw", "keeps"), [
    (b"GET / HTTP/1.1\r\n\r\n", True),
    (b"GET / HTTP/1.1\r\nConnection: Close\r\n\r\n", False),
    (b"GET / HTTP/1.0\r\n\r\n", False),
    (b"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", True),
    (b"HTTP/1.1 200 OK\r\n\r\n", True),
    (b"HTTP/1.0 200 OK\r\n\r\n", False),
    (b"HTTP/1.1 200\r\nconnection: close\r\n\r\n", False),
])
def test_who_goes_on_with_a_connection(raw, keeps) -> None:
    assert head_of(raw).keeps_alive is keeps


@pytest.mark.parametrize("raw", [
    b"hello\r\n\r\n",
    b"GET / HTTP/1.1\r\nContent-Length: many\r\n\r\n",
    b"GET / HTTP/1.1\r\nX: " + b"x" * 2_000 + b"\r\n\r\n",
])
def test_what_is_not_http(raw) -> None:
    with pytest.raises(MalformedMessage):
        head_of(raw)


def test_a_stream_that_ends_within_a_head() -> None:
    with pytest.raises(asyncio.IncompleteReadError):
        head_of(b"GET / HTTP/1.1\r\nHos")


def test_bodies_pass_as_they_are_and_end_where_they_end() -> None:
    assert body_of(b"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhelloGET") == (b"hello", b"GET")
    assert body_of(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + CHUNKED + b"GET") == (CHUNKED, b"GET")
    assert body_of(b"POST / HTTP/1.1\r\n\r\nGET") == (b"", b"GET")
    assert body_of(b"HTTP/1.1 200 OK\r\n\r\nto the end", until_end=True) == (b"to the end", b"")


@pytest.mark.parametrize("cut", [
    b"Content-Length: 5\r\n\r\nhell",
    b"Transfer-Encoding: chunked\r\n\r\n" + CHUNKED[:20],
    b"Transfer-Encoding: chunked\r\n\r\n" + CHUNKED[:-2],
])
def test_a_body_that_is_cut_is_told_from_a_whole_one(cut) -> None:
    with pytest.raises(asyncio.IncompleteReadError):
        body_of(b"POST / HTTP/1.1\r\n" + cut)


def test_a_chunk_without_a_size() -> None:
    with pytest.raises(MalformedMessage):
        body_of(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nmuch\r\n")


def test_the_content_of_chunks() -> None:
    assert unchunked(CHUNKED) == b"hello, world"


@pytest.mark.parametrize(("status", "method", "follows"), [
    (200, "POST", True), (200, "HEAD", False), (204, "GET", False), (304, "GET", False)])
def test_answers_without_a_body(status, method, follows) -> None:
    assert has_body(head_of(f"HTTP/1.1 {status} x\r\n\r\n".encode()), method) is follows
