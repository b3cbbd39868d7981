"""The pages of workflows on a real Valkey, without workers: many workflows, and one with a long history."""

import re
import time

import pytest
from test_listing import NOON_MS, accept, begin, fail, finish

from api.pages.workflows.history import ON_A_PAGE
from api.pages.workflows.rows import MOST_NEW
from state import keys

FIRST_PAINT_S = 0.3
HEAVIEST_BYTES = 500_000
EVENTS = 2_000


def quickest(api, path):
    """The page, after the fastest of three tries is found to be fast and light enough."""
    took = []
    for _ in range(3):
        began = time.monotonic()
        reply = api.get(path)
        took.append(time.monotonic() - began)
    assert reply.status_code == 200, reply.text
    assert min(took) < FIRST_PAINT_S
    assert len(reply.content) < HEAVIEST_BYTES
    return reply.text


def rows(page):
    return re.findall(r'<tr id="w-([0-9a-f]{32})">', page)


def told(page):
    return re.findall(r'<tr id="e-([0-9]+-[0-9]+)"', page)


def test_a_list_of_many_is_read_page_by_page_each_workflow_once(api, store):
    sends = [accept(store, NOON_MS + at) for at in range(130)]
    found, path = [], "/workflows?text=q"
    while path:
        page = quickest(api, path)
        found += rows(page)
        older = re.search(r'<a rel="next" href="([^"]+)"', page)
        path = older[1].replace("&amp;", "&") if older else ""
    assert found == [send.workflow_id for send in reversed(sends)]


def test_the_news_tell_what_came_and_what_changed_of_what_was_shown(api, store):
    old = accept(store)
    page = api.get("/workflows").text
    ask = re.search(r'hx-get="(/workflows/news[^"]+)"', page)[1].replace("&amp;", "&")
    assert "new</a>" not in api.get(ask).text
    finish(store, begin(store, old))
    accept(store)
    news = api.get(ask).text
    assert "1 new</a>" in news
    assert f'id="s-{old.workflow_id}" hx-swap-oob="true"' in news
    assert "Succeeded" in news
    assert "watch=" not in news  # it has ended
    for _ in range(MOST_NEW):
        accept(store)
    assert f"{MOST_NEW}+ new</a>" in " ".join(api.get(ask).text.split())


def test_a_list_by_failed_agent_shows_where_it_failed(api, store):
    accept(store)
    failed = accept(store)
    fail(store, begin(store, failed))
    page = api.get("/workflows", params={"failed_agent": "nlp", "min_duration_ms": "", "text": ""}).text
    assert rows(page) == [failed.workflow_id]
    assert 'aria-label="nlp: failed"' in page


def test_a_long_history_is_shown_from_its_end_and_led_on_without_a_gap(api, store):
    send = accept(store)
    with store.client.pipeline() as pipe:
        for at in range(EVENTS):
            kind = "resent" if at % 100 else "taken_over"
            pipe.xadd(keys.events(send.workflow_id), {"kind": kind, "step": "nlp", "why": "lost"})
        pipe.execute()
    page = quickest(api, f"/workflows/{send.workflow_id}")
    all_ids = [entry.decode() for entry, _ in store.client.xrevrange(keys.events(send.workflow_id))]
    assert told(page) == all_ids[:ON_A_PAGE]
    found, more = told(page), page
    while older := re.search(r'hx-get="([^"]+/history[^"]+)"', more):
        more = api.get(older[1].replace("&amp;", "&")).text
        found += told(more)
    assert found == all_ids
    failures = api.get(f"/workflows/{send.workflow_id}?only=failures").text
    assert len(told(failures)) == EVENTS / 100


def test_a_refused_wish_and_an_unknown_workflow_are_pages(api, store):
    send = accept(store)
    finish(store, begin(store, send))
    refused = api.post(f"/workflows/{send.workflow_id}/pause", data={"reason": "too late"})
    assert refused.status_code == 409
    assert "it cannot be paused" in refused.text
    unknown = api.get(f"/workflows/{'f' * 32}")
    assert unknown.status_code == 404
    assert 'role="alert"' in unknown.text


@pytest.mark.parametrize("form", [{"reason": "none chosen"}, {"ids": "0" * 32}, {"ids": "all", "reason": "r"}])
def test_many_are_changed_only_when_chosen_and_with_a_reason(api, store, form):
    send = accept(store)
    assert api.post("/workflows/cancel", data=form).status_code == 422
    assert store.record(send.workflow_id).status == "QUEUED"
