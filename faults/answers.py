"""Answers that no agent gave: errors, rate limits and garbage, as bytes for the wire."""

import json
import math
import time
from collections.abc import Iterator
from email.utils import formatdate
from http import HTTPStatus
from typing import Final

from core.settings import get_settings
from faults.rules import Answered, Error, ErrorBody, Garbage, GarbageKind, RateLimit
from faults.wire import PIECE_BYTES

_ABOVE_BYTES: Final = 1024 * 1024
_BODIES: Final = {
    GarbageKind.NOT_JSON: b"<!doctype html><title>It works!</title><p>This is not the answer you are looking for.",
    GarbageKind.TRUNCATED: b'{"success": true, "sql_query": "SELECT 1", "result": {"data": [{"x": 1}, {"x"',
    GarbageKind.WRONG_DIALECT: b'{"success": true, "answer": {"value": 42}}',
}


def answer(rule: Answered) -> tuple[int, Iterator[bytes]]:
    """Status and pieces of what the rule answers."""
    match rule:
        case Error():
            return rule.status, iter([_error(rule)])
        case RateLimit():
            body = _failure("rate_limited", "Too many calls.", "wait_and_retry", [])
            return 429, iter([_head(429, "application/json", len(body), _retry_after(rule)), body])
        case Garbage(garbage=GarbageKind.TOO_LARGE):
            return 200, _too_large(rule.size_bytes or get_settings().agent_reply_limit_bytes + _ABOVE_BYTES)
        case Garbage():
            body = _BODIES[rule.garbage]
            return 200, iter([_head(200, "application/json", len(body)), body])


def refusal(reason: str) -> bytes:
    """400 for what is not HTTP; the connection ends with it."""
    body = reason.encode()
    return _head(400, "text/plain", len(body), "Connection: close\r\n") + body


def _error(rule: Error) -> bytes:
    if rule.status in {204, 304}:
        return _head(rule.status)
    match rule.body:
        case ErrorBody.CONTRACT:
            body = _failure(rule.error_type, rule.message, rule.recovery_action, rule.suggestions)
            return _head(rule.status, "application/json", len(body)) + body
        case ErrorBody.HTML:
            body = f"<html><h1>{rule.status} {_phrase(rule.status)}</h1></html>".encode()
            return _head(rule.status, "text/html", len(body)) + body
        case ErrorBody.NONE:
            return _head(rule.status, size=0)


def _failure(error_type: str, message: str, recovery_action: str, suggestions: list[str]) -> bytes:
    error = {
        "error_type": error_type,
        "message": message,
        "recovery_action": recovery_action,
        "suggestions": suggestions,
    }
    return json.dumps({"success": False, "error": error}).encode()


def _retry_after(rule: RateLimit) -> str:
    if not rule.as_date:
        return f"Retry-After: {rule.retry_after_s:g}\r\n"
    return f"Retry-After: {formatdate(math.ceil(time.time() + rule.retry_after_s), usegmt=True)}\r\n"


def _too_large(size: int) -> Iterator[bytes]:
    yield _head(200, "application/json", size)
    opening, closing = b'{"sql_query": "', b'"}'
    yield opening
    filler = size - len(opening) - len(closing)
    for at in range(0, filler, PIECE_BYTES):
        yield b"x" * min(PIECE_BYTES, filler - at)
    yield closing


def _head(status: int, media_type: str = "", size: int | None = None, more: str = "") -> bytes:
    lines = f"HTTP/1.1 {status} {_phrase(status)}\r\n{more}"
    lines += f"Content-Type: {media_type}\r\n" if media_type else ""
    lines += f"Content-Length: {size}\r\n" if size is not None else ""
    return f"{lines}\r\n".encode()


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unassigned"
