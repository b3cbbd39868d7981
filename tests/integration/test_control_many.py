"""What is done to many at once, on a real Valkey, without workers: which the filters choose, and what they refuse."""

import pytest
from test_listing import NOON_MS, accept, begin, fail, finish, ids

from state import keys

ID = "0" * 32
WINDOW = {"created_after": "2023-11-14T22:13:20.002Z", "created_before": "2023-11-14T22:13:20.005Z"}


def done_to(api, verb, **wish):
    reply = api.post(f"/api/workflow/{verb}", json=wish)
    assert reply.status_code == 200, reply.text
    return reply.json()


def ids_of(reply):
    return [one["workflow_id"] for one in reply["results"]]


@pytest.mark.parametrize("filters", [
    {"status": ["RUNNING", "QUEUED"]}, {"text": "LATE"}, WINDOW, {"min_duration_ms": 86_400_000},
    {**WINDOW, "text": "late", "status": ["RUNNING"]}, {"failed_agent": "nlp"},
], ids="+".join)
def test_the_filters_mean_what_they_mean_in_the_list(api, store, filters):
    sends = [accept(store, NOON_MS + n, f"how late is number {n}" if n % 2 else "flights") for n in range(8)]
    for send in sends[2:6]:
        begin(store, send)
    fail(store, begin(store, sends[7]))
    accept(store, query="of today")
    wanted = {"status": ["QUEUED", "RUNNING", "PAUSED", "FAILED"], **filters}
    listed = [one["workflow_id"] for one in api.get("/api/workflow", params=wanted).json()["workflows"]]
    reply = done_to(api, "pause", **wanted)
    assert 0 < len(listed) < 9
    assert ids_of(reply) == listed
    assert all(one["changed"] == (one["workflow_id"] != sends[7].workflow_id) for one in reply["results"])


def test_without_a_status_a_verb_means_those_it_is_for(api, store):
    queued, running, paused, failed, well = (accept(store, NOON_MS + n, "delays") for n in range(5))
    begin(store, running)
    fail(store, begin(store, failed))
    finish(store, begin(store, well))
    assert ids_of(done_to(api, "pause", ids=ids(paused))) == ids(paused)
    assert ids_of(done_to(api, "resume", text="delays")) == ids(paused)
    done_to(api, "pause", ids=ids(paused))
    assert ids_of(done_to(api, "pause", text="delays")) == ids(running, queued)
    assert ids_of(done_to(api, "retry", text="delays")) == ids(failed)
    assert ids_of(done_to(api, "cancel", text="delays")) == ids(failed, paused, running, queued)
    assert store.record(well.workflow_id).status == "SUCCEEDED"


def test_a_call_takes_so_many_and_says_where_more_are(api, store, monkeypatch):
    monkeypatch.setattr("pipeline.control.MOST", 3)
    sends = [accept(store, NOON_MS + n) for n in range(12)]
    first = done_to(api, "pause", status=["QUEUED"], limit=7)
    second = done_to(api, "pause", status=["QUEUED"], limit=5, cursor=first["next_cursor"])
    assert ids_of(first) + ids_of(second) == ids(*reversed(sends))
    assert (first["changed"], second["changed"], second["next_cursor"]) == (7, 5, None)


def test_a_search_that_looked_at_enough_leads_on(api, store, monkeypatch):
    monkeypatch.setattr("state.listing.ENOUGH_SEARCHED", 4)
    sends = [accept(store, NOON_MS + n, "late" if n in (1, 7) else "flights") for n in range(8)]
    first = done_to(api, "cancel", text="late")
    second = done_to(api, "cancel", text="late", cursor=first["next_cursor"])
    assert (ids_of(first), ids_of(second), second["next_cursor"]) == (ids(sends[7]), ids(sends[1]), None)


@pytest.mark.parametrize(("wish", "named"), [
    ({}, "body: "), ({"reason": "all"}, "body: "), ({"limit": 5}, "body: "), ({"ids": []}, "ids: "),
    ({"status": []}, "status is empty"), ({"text": ""}, "text is empty"),
    ({"failed_agent": ""}, "failed_agent is empty"), ({"created_after": None}, "created_after is empty"),
    ({"min_duration_ms": 0}, "min_duration_ms is empty"),
    ({"status": ["FAILED"], "text": ""}, "text is empty"), ({"ids": [ID], "text": "x"}, "not both"),
    ({"created_after": 1_700_000_000}, "created_after: "), ({"created_before": "noon"}, "created_before: "),
    ({"text": "x", "cursor": "nonsense"}, "cursor: "), ({"text": "x", "limit": 1_001}, "limit: "),
    ({"ids": [ID] * 1_001}, "ids: "),
])
@pytest.mark.parametrize("verb", ["cancel", "retry"])
def test_nobody_means_all_by_accident(api, store, verb, wish, named):
    send = accept(store)
    reply = api.post(f"/api/workflow/{verb}", json=wish)
    assert (reply.status_code, reply.json()["error_type"]) == (422, "invalid_request")
    assert named in reply.json()["detail"]
    assert store.client.hget(keys.record(send.workflow_id), "status") == b"QUEUED"
