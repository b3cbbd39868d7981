"""Keys, roles, logins, the audit and the limits, over HTTP on a real Valkey, without workers."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from fastapi.testclient import TestClient

from agents.registry import get_registry
from api.access.keys import LOOK_AGAIN_S, add_key, new_key
from api.access.logins import COOKIE
from api.access.roles import RULES, Role
from api.app import create_app
from core.settings import get_settings
from core.valkey import sync_client
from pipeline.plan import PlanTooLarge, ordinary_plan, within_limit
from pipeline.question import Question, plan_workflow
from state import control, keys, transitions
from state.audit import Trail
from state.errors import NoRoom
from state.room import Room
from state.store import Store
from tests.hanging_agent import HangingAgent
from tests.here import settings_here
from tests.processes import wait_for

ID = "0" * 32
FILLED_IN = {"{deed}": "cancel", "{workflow_id}": ID, "{verb}": "cancel", "{agent}": "data", "{file:path}": "page.css"}


@pytest.fixture(scope="module")
def store(valkey):
    client = sync_client(valkey.url)
    yield Store(client)
    client.close()


@pytest.fixture(autouse=True)
def _clean(store):
    store.client.flushall()


@contextmanager
def running(valkey, client=("127.0.0.1", 40_000), **settings):
    """An API process's application with these settings."""
    given = {name.upper(): str(value) for name, value in {"api_keys_file": "", **settings}.items()}
    with settings_here(valkey.url, **given), TestClient(create_app(), client=client, follow_redirects=False) as api:
        yield api


@pytest.fixture(scope="module")
def keyed(valkey, tmp_path_factory):
    """An API that asks for keys; the keys by role, and their file."""
    file = tmp_path_factory.mktemp("keys") / "keys"
    shown = {}
    for role in Role:
        key, shown[role] = new_key(f"{role}-key", role)
        add_key(file, key)
    with running(valkey, api_keys_file=file) as api:
        yield api, shown, file


def bearer(presented):
    return {"Authorization": f"Bearer {presented}"}


def path_of(rule):
    path = rule.path
    for name, value in FILLED_IN.items():
        path = path.replace(name, value)
    return path


def ask(api, query="how many flights", **headers):
    return api.post("/api/workflow", json={"query": query}, headers=headers)


def record(store, reply) -> dict[bytes, bytes]:
    found: dict[bytes, bytes] = store.client.hgetall(keys.record(reply.json()["workflow_id"]))
    return found


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule.role], ids=lambda rule: f"{rule.method} {rule.path}")
def test_each_route_lets_in_who_has_its_role_and_nobody_else(keyed, rule):
    api, shown, _ = keyed
    nobody = api.request(rule.method, path_of(rule))
    if rule.is_page:
        assert (nobody.status_code, nobody.headers["location"].startswith("/login?why=401")) == (303, True)
    else:
        assert (nobody.status_code, nobody.json()["error_type"]) == (401, "unauthenticated")
        assert nobody.headers["www-authenticate"].startswith("Bearer")
        assert api.request(rule.method, path_of(rule), headers=bearer("read-key.wrong")).status_code == 401
    for role in Role:
        reply = api.request(rule.method, path_of(rule), headers=bearer(shown[role]))
        if role.covers(rule.role):
            assert reply.status_code not in {401, 403}, reply.text
            assert "/login" not in reply.headers.get("location", "")
        elif rule.is_page:
            assert reply.headers["location"].startswith("/login?why=403")
        else:
            assert (reply.status_code, reply.json()["error_type"]) == (403, "forbidden")


def test_what_is_open_needs_no_key(keyed):
    api, _, _ = keyed
    for path in ("/health/live", "/login", "/api/openapi.json", "/static/page.css"):
        assert api.get(path).status_code == 200


def test_what_is_not_there_is_told_to_those_with_a_key_alone(keyed):
    api, shown, _ = keyed
    assert api.get("/api/nothing").status_code == 401
    assert api.get("/api/nothing", headers=bearer(shown[Role.READ])).status_code == 404
    assert api.delete("/api/query", headers=bearer(shown[Role.ASK])).status_code in {403, 405}


def test_the_document_says_which_key_a_route_needs_and_how_it_refuses(keyed, valkey):
    api, _, _ = keyed
    operation = api.get("/api/openapi.json").json()["paths"]["/api/query"]["post"]
    assert (operation["x-role"], operation["security"]) == ("ask", [{"key": []}, {"login": []}])
    assert {"401", "403", "429"} <= operation["responses"].keys()
    with running(valkey) as without:
        assert {} in without.get("/api/openapi.json").json()["paths"]["/api/query"]["post"]["security"]


def test_every_route_that_takes_a_body_says_that_it_may_be_too_large(keyed):
    api, shown, _ = keyed
    operations = [one for path in api.get("/api/openapi.json").json()["paths"].values() for one in path.values()]
    assert sum("requestBody" in one for one in operations) > 10
    assert all(("413" in one["responses"]) == ("requestBody" in one) for one in operations)
    body = {"reason": "x" * get_settings().body_max_bytes}
    for path in ("/api/workflow/retry", "/api/circuit-breakers/data/mode"):
        large = api.post(path, json=body, headers=bearer(shown[Role.ADMIN]))
        assert (large.status_code, large.json()["error_type"]) == (413, "too_large")


def test_who_asks_is_recorded_and_who_acts_is_named(keyed, store):
    api, shown, _ = keyed
    asked = ask(api, **bearer(shown[Role.ASK]))
    assert record(store, asked)[b"caller"] == b"ask-key"
    workflow_id = asked.json()["workflow_id"]
    api.post(f"/api/workflow/{workflow_id}/cancel", json={"actor": "ann"}, headers=bearer(shown[Role.ASK]))
    (event,) = [fields for _, fields in store.client.xrange(keys.events(workflow_id))
                if fields[b"kind"] == b"cancel_requested"]
    assert event[b"actor"] == b"ann (key ask-key)"
    assert shown[Role.ASK].partition(".")[2].encode() not in b"".join(record(store, asked).values())


def test_a_browser_logs_in_once_and_out_again(keyed, store):
    api, shown, _ = keyed
    assert api.post("/login", data={"key": "read-key.wrong"}).status_code == 401
    entered = api.post("/login", data={"key": shown[Role.READ], "next": f"/ask/{ID}"})
    assert (entered.status_code, entered.headers["location"]) == (303, f"/ask/{ID}")
    cookie = entered.headers["set-cookie"].lower()
    assert all(part in cookie for part in ("httponly", "samesite=strict"))
    try:
        assert "Log out read-key" in api.get("/").text
        assert api.get("/api/workflow").status_code == 200
        assert api.get(f"/api/workflow/{ID}/events").status_code == 404
        assert ask(api).status_code == 403
        (login,) = store.client.keys("baton:login:*")
        assert api.cookies[COOKIE] not in login.decode()
        assert 0 < store.client.ttl(login) <= get_settings().login_s
        kept = api.cookies[COOKIE]
        api.post("/logout")
        assert api.get("/api/workflow", headers={"Cookie": f"{COOKIE}={kept}"}).status_code == 401
    finally:
        api.cookies.clear()


@pytest.mark.parametrize("place", ["//evil.example", "https://evil.example", "/login", "/ask/../x", f"/ask/{ID}\n"])
def test_a_login_leads_nowhere_else(keyed, place):
    api, shown, _ = keyed
    assert api.post("/login", data={"key": shown[Role.READ], "next": place}).headers["location"] == "/"
    api.cookies.clear()


def test_a_key_that_is_taken_out_ends_its_logins(keyed):
    api, _, file = keyed
    before = file.read_text()
    key, presented = new_key("short-lived", Role.READ)
    ring: Any = api.app.state.ring  # type: ignore[attr-defined]
    try:
        add_key(file, key)
        ring._looked_at -= LOOK_AGAIN_S
        api.post("/login", data={"key": presented})
        assert api.get("/api/workflow").status_code == 200
        file.write_text(before)
        ring._looked_at -= LOOK_AGAIN_S
        assert api.get("/api/workflow").status_code == 401
    finally:
        file.write_text(before)
        api.cookies.clear()


def test_a_page_of_another_site_changes_nothing(valkey, store):
    with running(valkey) as api:
        for site in ("cross-site", "same-site"):
            assert ask(api, **{"Sec-Fetch-Site": site}).status_code == 403
        assert store.client.zcard(keys.BY_TIME) == 0
        for site in ("same-origin", "none"):
            assert ask(api, **{"Sec-Fetch-Site": site}).status_code == 202
        assert api.get("/", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 200


@pytest.mark.parametrize("client", ["10.1.2.3", "fe80::1", "2001:db8::1"])
def test_without_keys_only_this_machine_is_served(valkey, client):
    with running(valkey, client=(client, 1)) as api:
        assert api.get("/api/workflow").status_code == 401
        assert api.get("/health/live").status_code == 200
    with running(valkey) as api:
        assert api.get("/api/workflow").status_code == 200


def test_what_an_admin_does_and_what_others_are_refused_is_remembered(keyed, store):
    api, shown, _ = keyed
    mode, body = "/api/circuit-breakers/data/mode", {"mode": "auto", "actor": "ann", "reason": "all is well"}
    assert api.post(mode, json=body, headers=bearer(shown[Role.ADMIN])).status_code == 200
    assert api.post(mode, json={"reason": "no mode"}, headers=bearer(shown[Role.ADMIN])).status_code == 422
    assert api.post(mode, json=body, headers=bearer(shown[Role.ASK])).status_code == 403
    assert api.post(mode, json=body).status_code == 401
    assert api.post("/api/workflow/cancel", json={"ids": [ID]}, headers=bearer(shown[Role.ADMIN])).status_code == 200
    admin = bearer(shown[Role.ADMIN])
    done = api.get("/api/audit", headers=admin).json()
    assert [(one["key_id"], one["target"], one["status"], one["reason"]) for one in done["entries"]] == [
        ("admin-key", "/api/workflow/cancel", 200, ""), ("admin-key", mode, 422, "no mode"),
        ("admin-key", mode, 200, "all is well")]
    assert (done["entries"][-1]["actor"], done["entries"][-1]["at"][-1]) == ("ann", "Z")
    first = api.get("/api/audit?limit=2", headers=admin).json()
    rest = api.get(f"/api/audit?limit=2&before={first['next_before']}", headers=admin).json()
    assert first["entries"] + rest["entries"] == done["entries"]
    assert rest["next_before"] is None
    refused = api.get("/api/audit?trail=refused", headers=admin).json()["entries"]
    assert [(one["key_id"], one["status"]) for one in refused] == [("", 401), ("ask-key", 403)]
    for beginning in ("0-0", "000-0"):
        assert api.get(f"/api/audit?before={beginning}", headers=admin).json()["entries"] == []
    for nonsense in ("x", "\u0663-0"):
        assert api.get("/api/audit", params={"before": nonsense}, headers=admin).status_code == 422
    every = b"".join(value for trail in Trail for _, fields in store.client.xrange(trail.key)
                     for value in fields.values())
    assert not any(one.partition(".")[2].encode() in every for one in shown.values())


def test_without_keys_the_audit_calls_everybody_local(valkey, store):
    with running(valkey, audit_keep=5) as api:
        for _ in range(300):  # a stream is trimmed by whole nodes of a hundred
            api.post("/api/workflow/cancel", json={"ids": [ID], "reason": "r\u00e9sum\u00e9"})
        (newest,) = api.get("/api/audit?limit=1").json()["entries"]
        assert (newest["key_id"], newest["reason"]) == ("local", "r\u00e9sum\u00e9")
        assert store.client.xlen(Trail.DONE.key) < 250


def test_a_key_has_so_many_open_and_no_more(valkey, store, keyed):
    _, shown, file = keyed
    with running(valkey, api_keys_file=file, max_open_per_key=2) as api:
        headers = bearer(shown[Role.ASK])
        first, _ = ask(api, **headers), ask(api, **headers)
        refused = ask(api, **headers)
        assert (refused.status_code, refused.json()["error_type"]) == (429, "too_many_open")
        assert "MAX_OPEN_PER_KEY" in refused.json()["detail"]
        assert int(refused.headers["retry-after"]) > 0
        assert store.client.zcard(keys.BY_TIME) == 2
        assert ask(api, **bearer(shown[Role.ADMIN])).status_code == 202
        ended = first.json()["workflow_id"]
        assert api.post(f"/api/workflow/{ended}/cancel", headers=headers).status_code == 200
        assert ask(api, **headers).status_code == 202
        again = api.post(f"/api/workflow/{ended}/retry", headers=headers)
        assert (again.status_code, again.json()["error_type"]) == (429, "too_many_open")
        assert store.client.hget(keys.record(ended), "status") == b"CANCELLED"


def test_of_many_who_ask_at_once_no_more_get_in_than_there_is_room_for(store):
    def begin(number):
        workflow = plan_workflow(Question(f"question {number}", caller="ann"))
        try:
            return store.run(transitions.start(workflow, 1_000, f"token {number}", room=Room(max_open=5))).fresh
        except NoRoom as error:
            return error.setting

    with ThreadPoolExecutor(20) as pool:
        begun = list(pool.map(begin, range(40)))
    assert (begun.count(True), begun.count("MAX_OPEN_PER_KEY")) == (5, 35)
    assert store.client.scard("baton:open:ann") == store.client.zcard(keys.BY_TIME) == 5


def test_a_workflow_counts_as_open_from_its_start_to_its_end_and_in_every_round(valkey, store, keyed):
    _, shown, file = keyed
    with running(valkey, api_keys_file=file) as api:
        workflow_id = ask(api, **bearer(shown[Role.ASK])).json()["workflow_id"]
        expected = {workflow_id.encode()}
        for _ in range(2):
            assert store.client.smembers("baton:open:ask-key") == expected
            store.run(control.cancel(workflow_id, actor="ann", reason="", ttl_s=60))
            assert store.client.exists("baton:open:ask-key") == 0
            assert api.post(f"/api/workflow/{workflow_id}/retry", headers=bearer(shown[Role.ASK])).status_code == 202
        assert store.client.smembers("baton:open:ask-key") == expected


def recorded(store):
    """All keys but those of breakers: looking at one, as the page does, makes it."""
    return sorted(key for key in store.client.keys("*") if not key.startswith(b"baton:breaker"))


def test_a_full_queue_takes_nothing_more(valkey, store):
    with running(valkey, queue_max=3, direct_concurrency=1) as api:
        assert api.app.state.desk._direct._recorded.seat()  # or who waits would be answered there
        ended = ask(api).json()["workflow_id"]
        api.post(f"/api/workflow/{ended}/cancel")
        store.client.delete("agents.nlp")
        store.client.lpush("agents.nlp", *"abc")
        before = recorded(store)
        refused = ask(api)
        assert (refused.status_code, refused.json()["error_type"]) == (429, "queue_full")
        assert "QUEUE_MAX" in refused.json()["detail"]
        page = api.post("/ask", data={"question": "how many flights"})
        assert (page.status_code, "QUEUE_MAX" in page.text) == (429, True)
        assert api.post(f"/api/workflow/{ended}/retry").status_code == 429
        assert recorded(store) == before
        store.client.rpop("agents.nlp")
        assert api.post(f"/api/workflow/{ended}/retry").status_code == 202


def test_of_many_that_run_again_each_is_told_whether_there_was_room(valkey, store, keyed):
    _, shown, file = keyed
    admin = bearer(shown[Role.ADMIN])
    with running(valkey, api_keys_file=file, max_open_per_key=2) as api:
        ids = []
        for _ in range(4):
            ids.append(ask(api, **admin).json()["workflow_id"])
            api.post(f"/api/workflow/{ids[-1]}/cancel", headers=admin)
        reply = api.post("/api/workflow/retry", json={"ids": [*ids, ID], "reason": "again"}, headers=admin)
        found = reply.json()
        assert (reply.status_code, found["changed"], found["next_cursor"]) == (200, 2, None)
        assert [(one["status"], one["changed"], "MAX_OPEN_PER_KEY" in one["problem"]) for one in found["results"]] == [
            ("QUEUED", True, False), ("QUEUED", True, False), ("CANCELLED", False, True), ("CANCELLED", False, True),
            (None, False, False)]
        assert found["results"][-1]["problem"] == f"There is no workflow {ID}."
        again = api.post("/api/workflow/retry", json={"ids": ids[1:3], "step": "nobody"}, headers=admin).json()
        assert [(one["status"], one["problem"]) for one in again["results"]] == [
            ("QUEUED", "The workflow is QUEUED: only an ended one can be run again."),
            ("CANCELLED", "The workflow has no step nobody.")]
        (entry, _) = api.get("/api/audit", headers=admin).json()["entries"][1::-1]
        assert (entry["key_id"], entry["target"], entry["reason"]) == ("admin-key", "/api/workflow/retry", "again")
    with running(valkey, queue_max=3) as api:
        store.client.lpush("agents.nlp", *"abc")
        (refused,) = api.post("/api/workflow/retry", json={"ids": ids[3:]}).json()["results"]
        assert "QUEUE_MAX" in refused["problem"]
    assert store.record(ids[3]).status == "CANCELLED"


def test_a_repeated_question_finds_its_workflow_even_when_there_is_no_room(valkey, store):
    with running(valkey, queue_max=3) as api:
        once = {"Idempotency-Key": "one"}
        first = ask(api, **once)
        store.client.lpush("agents.nlp", *"abc")
        assert ask(api, **once).json()["workflow_id"] == first.json()["workflow_id"]
        assert ask(api, **{"Idempotency-Key": "two"}).status_code == 429
        assert len(store.client.keys("baton:asked:*")) == 1


def test_a_plan_may_have_so_many_steps():
    plan = ordinary_plan(get_registry())
    assert within_limit(plan, 3) == plan
    with pytest.raises(PlanTooLarge, match="MAX_STEPS"):
        within_limit(plan, 2)


def test_the_rate_is_one_for_all_processes_and_told_on_every_answer(valkey, store, keyed):
    _, shown, file = keyed
    with running(valkey, api_keys_file=file, rate_limit="5/hour") as one:
        headers = bearer(shown[Role.READ])
        told = [one.get("/api/workflow", headers=headers).headers["ratelimit-remaining"] for _ in range(3)]
        assert told == ["4", "3", "2"]
        with running(valkey, api_keys_file=file, rate_limit="5/hour") as another:
            for _ in range(2):
                assert another.get("/api/workflow", headers=headers).status_code == 200
            refused = another.get("/api/workflow", headers=headers)
        assert (refused.status_code, refused.json()["error_type"]) == (429, "too_many_requests")
        assert "RATE_LIMIT is 5/hour" in refused.json()["detail"]
        assert 0 < int(refused.headers["retry-after"]) <= 3_600
        assert refused.headers["ratelimit-limit"] == "5"
        assert one.get("/api/workflow", headers=bearer(shown[Role.ADMIN])).status_code == 200
        assert one.get("/health/live").status_code == 200
        assert "ratelimit-limit" not in one.get("/health/live").headers
        counted = store.client.keys("baton:rate:*")
        assert counted
        assert all(0 < store.client.ttl(key) <= 2 * 3_600 for key in counted)


def test_without_keys_each_address_has_its_rate(valkey):
    with running(valkey, rate_limit="2/hour") as api:
        assert [api.get("/api/workflow").status_code for _ in range(3)] == [200, 200, 429]
    with running(valkey, rate_limit="2/hour", client=("127.0.0.2", 1)) as other:
        assert other.get("/api/workflow").status_code == 200


def test_logins_are_counted_by_address(valkey, keyed):
    _, _, file = keyed
    with running(valkey, api_keys_file=file, rate_limit="2/hour") as api:
        assert [api.post("/login", data={"key": "x"}).status_code for _ in range(3)] == [401, 401, 429]
        assert api.get("/login").status_code == 200
    with running(valkey, api_keys_file=file, rate_limit="2/hour", client=("127.0.0.2", 1)) as other:
        assert other.post("/login", data={"key": "x"}).status_code == 401


def test_while_the_store_is_away_no_key_takes_every_seat(valkey, keyed):
    _, shown, file = keyed
    body = {"query": "how many flights", "deadline_s": 3}
    with HangingAgent().serving() as agent:
        agents = {f"{name}_agent_url": agent.url for name in ("nlp", "data", "viz")}
        away = {"redis_url": "redis://127.0.0.1:1/0", "api_keys_file": file, "max_open_per_key": 1, **agents}
        with running(valkey, **away) as api, ThreadPoolExecutor(1) as pool:
            first = pool.submit(api.post, "/api/query", json=body, headers=bearer(shown[Role.ASK]))
            wait_for(lambda: agent.calls, "the call", 20)
            refused = api.post("/api/query", json=body, headers=bearer(shown[Role.ASK]))
            assert (refused.status_code, refused.json()["error_type"]) == (429, "too_many_open")
            nobody = api.post("/api/query", json=body, headers=bearer(shown[Role.READ]))
            assert nobody.status_code == 403, "the store away opens no door"
            agent.hangs = False
            assert api.post("/api/query", json=body, headers=bearer(shown[Role.ADMIN])).json()["recorded"] is False
            assert first.result().json()["recorded"] is False
            assert api.post("/api/query", json=body, headers=bearer(shown[Role.ASK])).json()["recorded"] is False


def test_while_the_store_is_away_nobody_is_counted_and_who_is_logged_in_is_told(valkey, keyed):
    _, shown, file = keyed
    headers = bearer(shown[Role.READ])
    with running(valkey, redis_url="redis://127.0.0.1:1/0", api_keys_file=file, rate_limit="1/hour") as api:
        replies = [api.get("/api/circuit-breakers/status", headers=headers) for _ in range(3)]
        assert {reply.json()["error_type"] for reply in replies} == {"store_unavailable"}
        known_by_cookie = api.get("/api/workflow", headers={"Cookie": f"{COOKIE}=something"})
        assert (known_by_cookie.status_code, known_by_cookie.json()["error_type"]) == (503, "store_unavailable")
