"""Injected answers are whole HTTP messages that say what their rule says."""

import json
from email.utils import parsedate_to_datetime
from time import time

import pytest

from core.settings import get_settings
from faults.answers import answer
from faults.control import RULES


def message(**rule: object) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body; the body must be as long as the headers say."""
    (found,) = RULES.validate_python([rule])
    status, pieces = answer(found)
    head, _, body = b"".join(pieces).partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    assert first.split()[:2] == ["HTTP/1.1", str(status)]
    headers = dict(line.split(": ", 1) for line in lines)
    assert headers.get("Content-Length", "0") == str(len(body))
    return status, headers, body


@pytest.mark.parametrize("status", [200, 400, 418, 500, 503, 599])
def test_an_error_in_the_contract_s_words(status) -> None:
    found, headers, body = message(fault="error", status=status, message="No.", recovery_action="rephrase")
    assert (found, headers["Content-Type"]) == (status, "application/json")
    assert json.loads(body)["success"] is False
    assert json.loads(body)["error"] == {
        "error_type": "agent_error", "message": "No.", "recovery_action": "rephrase", "suggestions": []}


def test_an_error_of_a_gateway_and_one_without_words() -> None:
    assert message(fault="error", status=502, body="html")[2].startswith(b"<html>")
    assert message(fault="error", status=502, body="none")[2] == b""


def test_a_status_that_has_no_body() -> None:
    assert message(fault="error", status=204) == (204, {}, b"")


def test_retry_after() -> None:
    assert message(fault="rate_limit", retry_after_s=7)[:2][1]["Retry-After"] == "7"
    assert message(fault="rate_limit", retry_after_s=0.25)[1]["Retry-After"] == "0.25"
    stated = message(fault="rate_limit", retry_after_s=60, as_date=True)[1]["Retry-After"]
    assert 59 <= parsedate_to_datetime(stated).timestamp() - time() <= 61


@pytest.mark.parametrize("kind", ["not_json", "truncated"])
def test_garbage_that_is_no_json(kind) -> None:
    status, _, body = message(fault="garbage", garbage=kind)
    assert status == 200
    with pytest.raises(ValueError, match=r"Expecting|Unterminated"):
        json.loads(body)


def test_too_large_is_json_above_the_limit_or_as_large_as_asked() -> None:
    _, _, body = message(fault="garbage", garbage="too_large")
    assert len(body) > get_settings().agent_reply_limit_bytes
    assert set(json.loads(body)) == {"sql_query"}
    assert len(message(fault="garbage", garbage="too_large", size_bytes=100_001)[2]) == 100_001
