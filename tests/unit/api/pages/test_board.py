"""How the operators' pages put time and shares, and what the audit hears of their forms."""

import asyncio

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from api.access.audited import _Overheard
from api.pages.board import share, span
from api.pages.operators import agents as agents_page
from api.pages.operators import dashboard
from state.errors import StoreUnavailable


@pytest.mark.parametrize(("ms", "told"), [
    (-5, "0 s"), (999, "0 s"), (59_999, "59 s"), (60_000, "1 min"), (125_000, "2 min 5 s"), (3_600_000, "1 h"),
    (2 * 3_600_000 + 5 * 60_000 + 3_000, "2 h 5 min"), (3 * 86_400_000 + 4 * 3_600_000, "3 d 4 h"),
])
def test_a_span_is_told_in_its_two_largest_units(ms, told):
    assert span(ms) == told


@pytest.mark.parametrize(("part", "told"), [
    (None, "\N{EN DASH}"), (0.0, "0 %"), (0.004, "0.4 %"), (0.031, "3.1 %"), (0.5, "50 %"), (1.0, "100 %")])
def test_a_small_share_is_not_told_as_none(part, told):
    assert share(part) == told


@pytest.mark.parametrize(("body", "words"), [
    (b'{"actor": "ann", "reason": "tired"}', ("ann", "tired")),
    (b"actor=ann&reason=it+is%20late", ("ann", "it is late")),
    (b"\xff\xfe", ("", "")), (b"[1]", ("", "")), (b"&".join([b"a=1"] * 2_000), ("", "")),
])
def test_the_audit_hears_actor_and_reason_of_json_and_forms(body, words):
    async def receive():
        return {"type": "http.request", "body": body}

    heard = _Overheard(receive, receive)
    asyncio.run(heard.receive())
    assert heard.words() == words


class _Away:
    def __getattr__(self, name):
        raise StoreUnavailable("away")


@pytest.mark.parametrize("path", ["/agents", "/dashboard"])
def test_while_valkey_is_away_the_pages_say_so_and_go_on_asking(path):
    app = FastAPI()
    app.state.desk = app.state.breakers = _Away()
    app.include_router(agents_page.router)
    app.include_router(dashboard.router)
    reply = TestClient(app).get(path)
    assert reply.status_code == 503
    assert "Valkey does not answer" in reply.text
    assert 'id="notices" data-live' in reply.text
    assert 'data-every="2000"' in reply.text
