"""What the API lets one read again and again, on a real Valkey, without workers: lists, status, answers, events."""

import json
from datetime import UTC, datetime

import pytest
from test_listing import NOON_MS, accept, begin, expire, fail, finish, ids

from state import control, keys, recovery
from state import transitions as t
from state.listing import Cursor
from state.transition import new_token

NOON = datetime.fromtimestamp(NOON_MS / 1000, UTC)


def listed(reply):
    assert reply.status_code == 200, reply.text
    return [one["workflow_id"] for one in reply.json()["workflows"]]


def test_a_list_tells_of_each_workflow(api, store):
    send = accept(store, query="flights per month")
    running = accept(store, store.record(send.workflow_id).created_ms + 1)
    begin(store, running)
    finish(store, begin(store, send))
    reply = api.get("/api/workflow")
    first, second = reply.json()["workflows"]
    assert reply.json()["next_cursor"] is None
    assert "Link" not in reply.headers
    assert {k: first[k] for k in ("workflow_id", "status", "finished_at", "duration_ms")} == {
        "workflow_id": running.workflow_id, "status": "RUNNING", "finished_at": None, "duration_ms": None}
    answer = api.get(second["links"]["status"]).json()
    assert second == {
        "workflow_id": send.workflow_id, "query": "flights per month", "status": "SUCCEEDED", "mode": "interactive",
        "path": "celery", "degraded": False, "created_at": answer["created_at"], "finished_at": answer["finished_at"],
        "duration_ms": second["duration_ms"],
        "links": {"answer": f"/api/workflow/{send.workflow_id}", "status": f"/api/workflow/{send.workflow_id}/status",
                  "events": f"/api/workflow/{send.workflow_id}/events", "page": f"/ask/{send.workflow_id}"}}
    assert 0 <= second["duration_ms"] < 10_000


def test_the_link_header_leads_from_page_to_page_with_the_same_filter(api, store):
    sends = [accept(store, NOON_MS + n // 5) for n in range(23)]
    begin(store, sends[3])
    url, found = "/api/workflow?status=QUEUED&status=FAILED&limit=5", []
    while url:
        reply = api.get(url)
        found.append(listed(reply))
        link = reply.links.get("next")
        assert (link is None) == (reply.json()["next_cursor"] is None)
        url = link and link["url"]
    assert [len(page) for page in found] == [5, 5, 5, 5, 2]
    assert {one for page in found for one in page} == set(ids(*sends)) - {sends[3].workflow_id}


def test_filters_by_time_and_status(api, store):
    sends = [accept(store, NOON_MS + 1_000 * n) for n in range(4)]
    begin(store, sends[2])
    window = {"created_after": "2023-11-14T22:13:21Z", "created_before": "2023-11-14T23:13:23+01:00"}
    assert NOON.isoformat() == "2023-11-14T22:13:20+00:00"
    assert listed(api.get("/api/workflow", params=window)) == ids(sends[2], sends[1])
    assert listed(api.get("/api/workflow", params={**window, "status": "RUNNING"})) == ids(sends[2])
    just_after = {"created_after": "2023-11-14T22:13:21.0001Z"}
    assert listed(api.get("/api/workflow", params=just_after)) == ids(sends[3], sends[2])
    assert listed(api.get("/api/workflow", params={"created_before": "0001-01-01T00:00:00Z"})) == []


def test_searches_by_what_happened(api, store):
    """Each alone, and together with the window; a value of the default searches nothing."""
    slow, failing, late = (accept(store, NOON_MS + n, query) for n, query in enumerate(("Delays", "delay?", "DELAYED")))
    other = accept(store, NOON_MS + 9, "flights per month")
    finish(store, begin(store, slow))
    fail(store, begin(store, failing))
    finish(store, begin(store, accept(store, query="delay now")))

    def found(**wanted):
        reply = api.get("/api/workflow", params={"created_before": "2025-01-01T00:00:00Z", **wanted})
        assert reply.json()["searched_until"] is None
        return listed(reply)

    assert found(text="delay") == ids(late, failing, slow)
    assert found(text="dElAyS") == ids(slow)
    assert found(text="") == ids(other, late, failing, slow)
    assert found(failed_agent="nlp") == ids(failing)
    assert found(failed_agent="nlp", status="FAILED", text="y?") == ids(failing)
    assert found(failed_agent="nlp", status="SUCCEEDED") == found(failed_agent="data") == []
    a_day_ms = 86_400_000
    assert found(min_duration_ms=a_day_ms) == ids(other, late, failing, slow)
    assert found(min_duration_ms=a_day_ms, status=["SUCCEEDED", "FAILED"]) == ids(failing, slow)
    assert found(min_duration_ms=10**12) == []
    assert listed(api.get("/api/workflow?min_duration_ms=60000&text=now")) == []


def test_a_search_that_stops_early_says_where_and_goes_on_from_there(api, store, monkeypatch):
    monkeypatch.setattr("state.listing.ENOUGH_SEARCHED", 10)
    sends = [accept(store, NOON_MS + n, "delay" if n in (0, 1, 13) else "flights") for n in range(25)]
    url, found = "/api/workflow?text=delay&limit=2", []
    while url:
        reply = api.get(url)
        found.append((listed(reply), reply.json()["searched_until"]))
        assert found[-1][1] in (None, reply.json()["next_cursor"])
        url = reply.links.get("next", {}).get("url")
    assert [len(page) for page, _ in found] == [0, 1, 2]
    assert [page for page, _ in found][1:] == [ids(sends[13]), ids(sends[1], sends[0])]
    places = [str(Cursor(NOON_MS + n, sends[n].workflow_id)) for n in (15, 5)]
    assert [until for _, until in found] == [*places, None]


def test_expired_workflows_are_not_listed(api, store):
    sends = [accept(store, NOON_MS + n) for n in range(10)]
    expire(store, *sends[4:9])
    assert listed(api.get("/api/workflow?limit=3")) == ids(sends[9], sends[3], sends[2])


@pytest.mark.parametrize(("query", "named"), [
    ("status=BROKEN", "status.0"), ("status=queued", "status.0"), ("limit=0", "limit"), ("limit=201", "limit"),
    ("limit=many", "limit"), ("created_after=yesterday", "created_after"),
    ("created_after=2026-01-31T00:00:00", "created_after"), ("created_before=2026-01-31", "created_before"),
    ("created_before=1769860800", "created_before"),
    ("created_after=2026-01-31T00:00:00+01:00", "created_after"), ("state=FAILED", "state"), ("cursor=", "cursor"),
    ("cursor=nonsense", "cursor"),
    ("min_duration_ms=-1", "min_duration_ms"), ("min_duration_ms=1e99", "min_duration_ms"),
    ("text=" + "x" * 201, "text"), ("failed_agent=" + "x" * 101, "failed_agent"), ("status=FAILED&" * 21, "status"),
    ("cursor=" + "_" * 32, "cursor"), ("cursor=" + "A" * 33, "cursor"),
    ("cursor=" + "%C3%A9" * 32, "cursor"), ("cursor=1769860800123-" + "0" * 32, "cursor"),
])
def test_a_bad_request_is_a_problem_that_names_the_field(api, query, named):
    reply = api.get(f"/api/workflow?{query}")
    assert reply.status_code == 422, reply.text
    assert reply.headers["Content-Type"] == "application/problem+json"
    problem = reply.json()
    assert (problem["error_type"], problem["recovery_action"]) == ("invalid_request", "correct_request")
    assert problem["detail"].startswith(f"{named}: ")
    assert problem["suggestions"]


def test_a_cursor_is_a_place_not_a_key(api, store):
    """It need not exist (any more), and it is good for any filter."""
    sends = [accept(store, NOON_MS + n) for n in range(3)]
    place = Cursor(NOON_MS + 1, "f" * 32)
    assert listed(api.get("/api/workflow", params={"cursor": str(place), "status": "QUEUED"})) == ids(*sends[1::-1])


def test_openapi_shows_an_example_that_is_valid(api):
    document = api.get("/api/openapi.json").json()
    route = document["paths"]["/api/workflow"]["get"]
    assert {one["name"] for one in route["parameters"]} == {
        "status", "failed_agent", "min_duration_ms", "text", "created_after", "created_before", "limit", "cursor"}
    assert "Link" in route["responses"]["200"]["headers"]
    example = document["components"]["schemas"]["WorkflowList"]["example"]
    assert str(Cursor.parse(example["next_cursor"])) == example["next_cursor"]
    assert document["components"]["schemas"]["WorkflowList"]["properties"].keys() == example.keys()
    assert document["components"]["schemas"]["WorkflowSummary"]["properties"].keys() == example["workflows"][0].keys()


def events_of(api, workflow_id, last_event_id=None):
    """(event, id, data) of a whole stream."""
    headers = {} if last_event_id is None else {"Last-Event-ID": last_event_id}
    reply = api.get(f"/api/workflow/{workflow_id}/events", headers=headers)
    assert reply.status_code == 200, reply.text
    blocks = [dict(line.split(": ", 1) for line in block.split("\r\n") if line and not line.startswith(":"))
              for block in reply.text.split("\r\n\r\n") if block]
    return [(one["event"], one.get("id"), json.loads(one["data"])) for one in blocks]


@pytest.fixture
def ended(store):
    send = accept(store)
    finish(store, begin(store, send))
    return send.workflow_id


def test_events_are_read_from_any_id(api, ended):
    whole = events_of(api, ended)
    assert [(name, data.get("kind")) for name, _, data in whole] == [
        ("workflow", "accepted"), ("step", "begun"), ("step", "succeeded"), ("workflow", "ended"), ("end", None)]
    for n, (_, event_id, _) in enumerate(whole[:-1]):
        assert events_of(api, ended, event_id) == whole[n + 1:]
    assert events_of(api, ended, "0-0") == whole


def test_an_id_older_than_the_history_is_told_as_a_gap(api, store, ended):
    whole = events_of(api, ended)
    store.client.xtrim(keys.events(ended), maxlen=2, approximate=False)
    gap = ("gap", None, {"after": whole[0][1], "first": whole[2][1]})
    assert events_of(api, ended, whole[0][1]) == [gap, *whole[2:]]
    assert events_of(api, ended, whole[2][1]) == whole[3:]


@pytest.mark.parametrize("last_event_id", ["nonsense", "1", "1-", "-1-0", "1-0-0", "9" * 30 + "-0"])
def test_what_is_not_an_id_is_refused(api, ended, last_event_id):
    reply = api.get(f"/api/workflow/{ended}/events", headers={"Last-Event-ID": last_event_id})
    assert reply.status_code == 422
    assert "Last-Event-ID" in reply.json()["detail"]


def happenings(store, send):
    """One after the other, all that may happen to a workflow of one step."""
    workflow_id, by = send.workflow_id, {"actor": "ann", "reason": ""}
    store.run(recovery.renew("n", [(send, False)], 60_000, 60_000))
    yield "held"
    go = begin(store, send)
    yield "begun"
    store.run(t.retry_later(go, 0.0, {"error_type": "agent_error"}, lease_ms=1, token=new_token()))
    yield "retrying"
    for what in (control.pause(workflow_id, **by), control.resume(workflow_id, grace_ms=0, **by)):
        (*_, send) = store.run(what).sends or (send,)
        yield what.script
    store.client.zadd(keys.DUE, {keys.due_member(workflow_id, "nlp"): 0})
    for _ in range(2):
        overdue = store.run(recovery.overdue(workflow_id, "nlp", grace_ms=0, max_takeovers=3, ttl_s=100))
        store.client.zadd(keys.DUE, {keys.due_member(workflow_id, "nlp"): 0})
    yield "sent again"
    fail(store, begin(store, overdue.send))
    yield "ended"
    again = control.reset_from(workflow_id, "", grace_ms=0, token=new_token(), **by)
    (send,) = store.run(again).sends
    yield "reset"
    store.run(control.cancel(workflow_id, ttl_s=100, **by))
    yield "cancelled"


@pytest.mark.parametrize("place", ["/api/workflow/{}/status", "/api/workflow/{}"])
def test_who_has_the_newest_is_told_so_and_nobody_else(api, store, place):
    send = accept(store)
    url = place.format(send.workflow_id)
    has, tags = api.get(url), set()
    for what in happenings(store, send):
        now = api.get(url)
        assert now.headers["Cache-Control"] == "private, no-cache"
        told = api.get(url, headers={"If-None-Match": has.headers["ETag"]})
        assert (told.status_code, told.text) == (200, now.text), what
        assert now.headers["ETag"] not in tags, what
        has = now
        tags.add(has.headers["ETag"])
        told = api.get(url, headers={"If-None-Match": has.headers["ETag"]})
        assert (told.status_code, told.content, told.headers["ETag"]) == (304, b"", has.headers["ETag"])
    assert len(tags) == 9


@pytest.mark.parametrize(("if_none_match", "status"), [
    ("*", 304), ('"other", W/{tag}', 304), ("{tag}", 304), ('"other"', 200), ("", 200), ("nonsense", 200)])
def test_tags_are_compared_as_rfc_9110_says(api, ended, if_none_match, status):
    url = f"/api/workflow/{ended}/status"
    tag = api.get(url).headers["ETag"]
    assert api.get(url, headers={"If-None-Match": if_none_match.replace("{tag}", tag)}).status_code == status


def test_not_modified_is_told_without_reading_the_record(api, store, ended):
    for url in (f"/api/workflow/{ended}", f"/api/workflow/{ended}/status"):
        tag = api.get(url).headers["ETag"]
        store.client.config_resetstat()
        assert api.get(url, headers={"If-None-Match": tag}).status_code == 304
        assert "cmdstat_hgetall" not in store.client.info("commandstats")


def test_what_is_gone_is_gone_whatever_one_has(api, store, ended):
    for part in (keys.record, keys.outputs, keys.events):
        store.client.delete(part(ended))
    for url in (f"/api/workflow/{ended}", f"/api/workflow/{ended}/status"):
        assert api.get(url, headers={"If-None-Match": "*"}).status_code == 404
