"""Requests that no client should send, from a seed: broken bodies, headers, targets and methods, and no HTTP at all.

They are made from the API's own OpenAPI document, so every route gets its share. None of them may be taken for good.
"""

import json
import random
import re
import string
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote

from tests.fuzz.operations import Operation, operations_of

JSON_TYPE = ("Content-Type", "application/json")
Headers = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Malformed:
    """One request as it goes over the wire, and what is wrong with it."""

    what: str
    raw: bytes


def malformed(document: Mapping[str, Any], seed: int) -> Iterator[Malformed]:
    """Without end; the same document and seed give the same requests."""
    chance = random.Random(seed)
    operations = operations_of(document)
    while True:
        kind = chance.choice(list(_KINDS))
        raw = _KINDS[kind](chance, chance.choice(operations))
        if raw is not None:
            yield Malformed(kind, raw)


def request(method: str, target: str, body: bytes = b"", headers: Headers = ()) -> bytes:
    """A whole request on a connection of its own."""
    lines = [f"{method} {target} HTTP/1.1", "Host: 127.0.0.1", "Connection: close", f"Content-Length: {len(body)}",
             *(f"{name}: {value}" for name, value in headers)]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def _junk(chance: random.Random, longest: int = 40) -> bytes:
    return chance.randbytes(chance.randint(1, longest))


def _word(chance: random.Random, longest: int = 12) -> str:
    return "".join(chance.choices(string.ascii_letters, k=chance.randint(3, longest)))


# --- bodies ----------------------------------------------------------------------------------------------------------

Breaker = Callable[[random.Random, bytes], bytes]


def _inserted(piece: Callable[[random.Random], bytes]) -> Breaker:
    """Put something into the JSON text where a token may begin, so that it is none any more."""
    def broken(chance: random.Random, text: bytes) -> bytes:
        places = [at + 1 for at, character in enumerate(text) if character in b"{,"] or [0]
        at = chance.choice(places)
        return text[:at] + piece(chance) + text[at:]
    return broken


_BROKEN: dict[str, Breaker] = {
    "cut off": lambda chance, text: text[:chance.randrange(1, len(text) - 1)],
    "NUL bytes": _inserted(lambda chance: b"\0" * chance.randint(1, 9)),
    "no UTF-8": _inserted(lambda chance: b'"\xff\xfe' + _junk(chance) + b'": 1,'),
    "single quotes": lambda _, text: text.replace(b'"', b"'"),
    "twice": lambda _, text: text + text,
    "deep nesting": lambda chance, _: b"[" * chance.choice((1_000, 100_000)),
    "deep nesting that ends": lambda chance, _: b"[" * (depth := chance.choice((500, 5_000, 50_000))) + b"]" * depth,
    "deep objects": lambda chance, _: b'{"query":' * 20_000 + b"1" + b"}" * 20_000,
    "another encoding": lambda chance, text: text.decode().encode(chance.choice(("utf-16", "utf-32"))) + b"\xff",
    "bytes at random": lambda chance, _: b"\xff" + _junk(chance, 2_000),
    "no object": lambda chance, _: chance.choice((b"null", b"true", b"[]", b'"text"', b"1e999", b"NaN", b"-Infinity")),
    "nothing": lambda _chance, _text: b" ",
    "duplicate keys, the last one wrong": lambda chance, text: b'{"query": "a", "ids": [], "query": ' + b"[" * 3 + b"}",
    "half a character": _inserted(lambda _: b'"\\ud8'),
    "large numbers": lambda _chance, _text: b"9" * 20_000,
}


def _body(chance: random.Random, operation: Operation) -> bytes | None:
    if operation.example is None:
        return None
    broken = _BROKEN[chance.choice(list(_BROKEN))](chance, json.dumps(operation.example).encode())
    return request(operation.method, operation.target(), broken, [JSON_TYPE])


def _unknown_fields(chance: random.Random, operation: Operation) -> bytes | None:
    if not operation.strict:
        return None
    body = {**(operation.example or {}), _word(chance): chance.choice((1, None, "x", [], {}))}
    return request(operation.method, operation.target(), json.dumps(body).encode(), [JSON_TYPE])


def _content_type(chance: random.Random, operation: Operation) -> bytes | None:
    if operation.example is None:
        return None
    kind = chance.choice(("text/plain", "application/xml", "multipart/form-data", "application/x-www-form-urlencoded",
                          "image/png", "", "json", _word(chance), "application/octet-stream"))
    body = json.dumps(operation.example).encode()
    return request(operation.method, operation.target(), body, [("Content-Type", kind)])


def _too_large(chance: random.Random, operation: Operation) -> bytes | None:
    if operation.example is None:
        return None
    body = json.dumps({**operation.example, "query": "x" * chance.choice((1_100_000, 3_000_000))}).encode()
    return request(operation.method, operation.target(), body, [JSON_TYPE])


# --- targets and methods ---------------------------------------------------------------------------------------------

def _path_parameter(chance: random.Random, operation: Operation) -> bytes | None:
    picky = [name for name, schema in operation.path_parameters.items() if is_picky(schema)]
    if not picky:
        return None
    name = chance.choice(picky)
    value = _unfit(chance, operation.path_parameters[name], (
        "%00", "%ff%fe", "0" * 31, "0" * 33, "g" * 32, "%2e%2e", "'", "%0a", quote(_junk(chance)),
        "%F0%9F%92%A9", "A" * 32, "0" * 32 + "%00", "x" * 5_000, "..%2f..%2fetc%2fpasswd"))
    body = json.dumps(operation.example).encode() if operation.example is not None else b""
    target = operation.target(**{name: value})
    return request(operation.method, target, body, [JSON_TYPE] if body else [])


def _query_parameter(chance: random.Random, operation: Operation) -> bytes | None:
    picky = [name for name, schema in operation.query_parameters.items() if is_picky(schema)]
    if not picky:
        return None
    name = chance.choice(picky)
    value = _unfit(chance, operation.query_parameters[name], (
        "", "%00", "%ff", "nonsense", "1e999", "-" * 50, "x" * 5_000, "%F0%9F%92%A9", "[]", "0x10"))
    target = f"{operation.target()}?{quote(name)}={value}"
    return request(operation.method, target)


def _unfit(chance: random.Random, schema: Mapping[str, Any], values: Sequence[str]) -> str:
    """One that the schema's pattern does not take."""
    pattern = schema.get("pattern")
    return chance.choice([value for value in values if pattern is None or not re.search(pattern, unquote(value))])


def is_picky(schema: Mapping[str, Any]) -> bool:
    """Whether most texts are no value of it."""
    if "anyOf" in schema:
        return all(is_picky(one) or one.get("type") == "null" for one in schema["anyOf"])
    if schema.get("type") == "array":
        return is_picky(schema["items"])
    return schema.get("type") in ("integer", "number", "boolean") or any(
        word in schema for word in ("enum", "const", "pattern", "$ref")) or schema.get("format") == "date-time"


def _method(chance: random.Random, operation: Operation) -> bytes | None:
    methods = ("GET", "PUT", "POST", "PATCH", "DELETE", "TRACE", "OPTIONS", "FOO", "get", "X" * 200, "!#$%&'*+-.^_`|~")
    method = chance.choice([one for one in methods if one.lower() not in operation.siblings or one.islower()])
    return request(method, operation.target(), b"{}", [JSON_TYPE])


def _unknown_path(chance: random.Random, operation: Operation) -> bytes | None:
    path = chance.choice(("/api", "/api/nothing", "/api/query/../../etc/passwd", "//api//query", "/api/%00", "/api/%ff",
                          "/api/" + quote(_junk(chance), safe=""), "/api/" + "x" * 8_000, "/.env", "/api/query;a=b",
                          operation.target() + "/", operation.target() + "/nothing/at/all", "/API/QUERY",
                          "/api/query%2f"))
    return request(chance.choice(("POST", "PUT")), path, b"{}", [JSON_TYPE])


# --- HTTP ------------------------------------------------------------------------------------------------------------

def _no_http(chance: random.Random, operation: Operation) -> bytes | None:
    target = operation.target()
    head = f"POST {target} HTTP/1.1\r\nHost: 127.0.0.1\r\n".encode()
    return chance.choice((
        b"\0" + _junk(chance, 400) + b"\r\n\r\n",
        f"GET {target} HTTP/99\r\n\r\n".encode(),
        f"GET {target}\r\n\r\n".encode(),
        f"GET  {target} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode(),
        f"GET {target} HTTP/1.1\r\n\r\n".encode(),
        f"GET {target}\xff\xfe HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode("latin-1"),
        f"GET {target} a b HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode(),
        head + b"no colon\r\n\r\n",
        head + b"a b: c\r\n\r\n",
        head + b"X: a\0b\r\n\r\n",
        head + b"\xff\xfe: c\r\n\r\n",
        head + b"X: " + b"y" * 70_000 + b"\r\n\r\n",
        head + b"".join(b"X%d: y\r\n" % n for n in range(10_000)) + b"\r\n",
        head + b"Content-Length: -1\r\n\r\n",
        head + b"Content-Length: ten\r\n\r\n",
        head + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
        head + b"Content-Length: 99999999999999999999999\r\n\r\n",
        head + b"Transfer-Encoding: gzip\r\n\r\n",
        head + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + chance.randbytes(50),
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ))


_KINDS: dict[str, Callable[[random.Random, Operation], bytes | None]] = {
    "body": _body,
    "unknown field": _unknown_fields,
    "content type": _content_type,
    "too large": _too_large,
    "path parameter": _path_parameter,
    "query parameter": _query_parameter,
    "method": _method,
    "unknown path": _unknown_path,
    "no HTTP": _no_http,
}
