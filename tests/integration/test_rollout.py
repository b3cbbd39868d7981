"""The rollout on a real server: what the scripts count, the evaluator, the share at the door, and the API."""

import asyncio
import secrets
import time
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace

import pytest
from fastapi.testclient import TestClient
from redis import ResponseError

from api.app import create_app
from api.rollout_evaluator import Evaluator
from api.rollout_switch import ShareSwitch
from core.valkey import async_client, sync_client
from pipeline.rollout.share import path_at
from state import control, keys
from state import transitions as t
from state.audit import Trail, newest
from state.metrics import read_counts
from state.model import Mode, NewStep, NewWorkflow, Overflow, Path, Route
from state.rollout import EVALUATOR, EVENTS, KEY, Move, Phase, Rollout, change, current, newest_events
from state.sides import DAY_MS, GROUPS, SLOT_MS, Side, SlotReader, first_slot_ms, group_of, summed
from state.store import AsyncStore, Store
from state.transition import new_token
from tests.here import settings_here
from tests.processes import LocalValkey, wait_for

STEPS = (NewStep("nlp", "nlp", "q", 30),)


@pytest.fixture
def store(valkey):
    with sync_client(valkey.url) as client:
        client.flushall()
        yield Store(client)


@asynccontextmanager
async def from_a_loop(valkey):
    client = async_client(valkey.url)
    store = AsyncStore(client)
    try:
        yield store
    finally:
        await store.close()


def start(store, *, path=Path.CELERY, mode=Mode.INTERACTIVE, route=Route.SIMPLE, session="", overflow=None):
    workflow = NewWorkflow(
        secrets.token_hex(16), {"query": "q", "query_id": "q", "session_id": session}, mode, 180, STEPS, route=route,
        path=path, overflow=overflow)
    return store.run(t.start(workflow, 0, new_token())).sends[0]


def begin(store, send, path=Path.CELERY):
    return store.run(t.begin(send, node="n", lease_ms=60_000, ttl_s=100, token=new_token(), path=path))


def answer(store, degradation=None, **of):
    go = begin(store, start(store, **of), of.get("path", Path.CELERY))
    store.run(t.finish(go, {}, ttl_s=100, grace_ms=0, token=new_token(), degradation=degradation))
    return go


def fail(store, excused=False, **of):
    go = begin(store, start(store, **of), of.get("path", Path.CELERY))
    store.run(t.fail(go, {"message": "no"}, ttl_s=100, grace_ms=0, token=new_token(), excused=excused))
    return go


def read_seen(valkey):
    async def read():
        async with from_a_loop(valkey) as store:
            return await SlotReader(store).read((await current(store)).since_ms)

    return asyncio.run(read())


def read_sides(valkey):
    """Both sides over all slots, which are two at most."""
    slots = [slot for slot in read_seen(valkey).slots if any(side != Side() for side in slot.sides.values())]
    groups = range(GROUPS)
    return {
        path: replace(
            summed(slot.sides[path] for slot in slots),
            groups={at: summed(slot.sides[path].groups.get(at, Side()) for slot in slots) for at in groups})
        for path in Path
    }


def sides(valkey):
    """Both sides over all slots: asked, answered, failed, degraded."""
    return {path: told(side) for path, side in read_sides(valkey).items()}


def told(side: Side):
    return side.asked, side.answered, side.failed, side.degraded


def test_both_sides_are_counted(store, valkey):
    for _ in range(3):
        answer(store)
    fail(store)
    start(store)
    answer(store, path=Path.DIRECT)
    answer(store, {"source": "elsewhere", "reason": "down"}, path=Path.DIRECT)
    assert sides(valkey) == {Path.CELERY: (5, 3, 1, 0), Path.DIRECT: (2, 2, 0, 1)}


def test_what_says_nothing_about_a_path_is_on_neither_side(store, valkey):
    answer(store, mode=Mode.BACKGROUND)
    answer(store, route=Route.PLAN)
    fail(store, excused=True)
    cancelled, paused = start(store), start(store)
    by_ann = {"actor": "ann", "reason": ""}
    store.run(control.cancel(cancelled.workflow_id, ttl_s=100, **by_ann))
    store.run(control.pause(paused.workflow_id, **by_ann))
    store.run(control.cancel(paused.workflow_id, ttl_s=100, **by_ann))
    taken_over = begin(store, start(store, path=Path.DIRECT))  # by a worker: its API has ended
    store.run(t.finish(taken_over, {}, ttl_s=100, grace_ms=0, token=new_token()))
    for path, why in ((Path.CELERY, Overflow.NO_SEAT), (Path.DIRECT, Overflow.QUEUE_FULL)):
        answer(store, path=path, overflow=why)
    store.run(control.pause(start(store).workflow_id, **by_ann))
    again = fail(store)
    (second,) = store.run(control.reset_from(again.workflow_id, "", grace_ms=0, token=new_token(), **by_ann)).sends
    store.run(t.finish(begin(store, second), {}, ttl_s=100, grace_ms=0, token=new_token()))
    assert sides(valkey) == {Path.CELERY: (1, 0, 1, 0), Path.DIRECT: (0, 0, 0, 0)}
    counts = read_counts(store.client.hgetall(keys.METRICS).items())
    assert [counts["overflow", why] for why in Overflow] == [1, 1]


def test_an_end_counts_where_its_question_began(store, valkey):
    began_ms = int(time.time() * 1000) - 60_000
    failed, cancelled = start(store), start(store)
    for one in (failed, cancelled):
        store.client.hset(keys.record(one.workflow_id), "created_ms", began_ms)
    store.run(t.fail(begin(store, failed), {}, ttl_s=100, grace_ms=0, token=new_token()))
    store.run(control.cancel(cancelled.workflow_id, ttl_s=100, actor="ann", reason=""))
    slot_s = began_ms // 1000 // 5 * 5
    counted = store.client.hgetall(f"baton:rollout:asked:{slot_s}")
    assert {name.rpartition(b"|")[0]: number for name, number in counted.items()} == {
        b"celery|FAILED": b"1", b"celery|excused": b"1"}


def test_a_session_is_in_one_group_whatever_it_asks(store, valkey):
    for _ in range(3):
        answer(store, session="ann")
        fail(store, session="ann")
    for _ in range(20):
        answer(store)
    celery = read_sides(valkey)[Path.CELERY]
    ann = celery.groups[group_of("ann", "")]
    assert ann.failed == 3
    assert sum(part.asked > 0 for part in celery.groups.values()) > 5, "questions without a session are spread"
    assert sum(part.asked for part in celery.groups.values()) == celery.asked == 26


def test_a_stage_counts_what_began_in_it(store, valkey):
    """Whatever its slots have become; a question from before, and of the share's first second, is not its."""
    before = begin(store, start(store))
    since_ms = int(time.time() * 1000) - 6_000
    with brought_to(store, share=50, since_ms=since_ms):
        answer(store)
        fail(store, path=Path.DIRECT)
        late = start(store)
        store.client.hset(keys.record(late.workflow_id), "created_ms", since_ms - 4_000)
        store.run(t.finish(begin(store, late), {}, ttl_s=100, grace_ms=0, token=new_token()))
        store.client.hset(keys.record(before.workflow_id), "created_ms", since_ms - 60_000)
        store.run(t.finish(before, {}, ttl_s=100, grace_ms=0, token=new_token()))
        (kept,) = store.client.keys("baton:rollout:since:*")
        assert (kept.decode(), store.client.ttl(kept)) == (f"baton:rollout:since:{since_ms}:0", 172_800)
        store.client.delete(*store.client.keys("baton:rollout:asked:*"))
        stage = read_seen(valkey).stage
    assert stage.at_ms == first_slot_ms(since_ms)
    assert told(stage.sides[Path.CELERY]) == (2, 1, 0, 0), "the late one began, and ended as another's"
    assert told(stage.sides[Path.DIRECT]) == (1, 0, 1, 0)


@pytest.mark.parametrize("rubbish", ["not a hash", {"since_ms": "soon"}])
def test_rubbish_in_the_switch_stops_no_question(store, valkey, rubbish):
    if isinstance(rubbish, str):
        store.client.set(KEY, rubbish)
    else:
        store.client.hset(KEY, mapping=rubbish)
    assert store.client.hget(keys.record(answer(store).workflow_id), "status") == b"SUCCEEDED"
    assert store.client.keys("baton:rollout:since:*") == []


def test_the_second_day_of_a_stage_counts_anew(store, valkey):
    since_ms = int(time.time() * 1000) - DAY_MS - 20_000
    with brought_to(store, share=50, since_ms=since_ms):
        answer(store)
        assert store.client.keys("baton:rollout:since:*") == [f"baton:rollout:since:{since_ms}:1".encode()]
        stage = read_seen(valkey).stage
    assert told(stage.sides[Path.CELERY]) == (1, 1, 0, 0)
    assert 0 <= stage.at_ms - since_ms - DAY_MS < SLOT_MS


def test_a_reader_looks_again_at_what_may_have_changed(store, valkey):
    async def look(loop_store):
        reader = SlotReader(loop_store)
        newest = (await reader.read(0)).slots[-1].at_ms
        places = [newest, newest - 120_000]
        for at_ms in places:
            store.client.hincrby(f"baton:rollout:asked:{at_ms // 1000}", "celery|begun|0", 1)

        async def asked():
            by_slot = {slot.at_ms: slot.sides[Path.CELERY].asked for slot in (await reader.read(0)).slots}
            return [by_slot[at_ms] for at_ms in places]

        at_once = await asked()
        reader._known = {at_ms: (read_ms - 31_000, slot) for at_ms, (read_ms, slot) in reader._known.items()}
        return at_once, await asked()

    assert run(valkey, look) == ([1, 0], [1, 1])


def test_slots_expire(store):
    answer(store)
    (slot,) = store.client.keys("baton:rollout:asked:*")
    assert 890 < store.client.ttl(slot) <= 905


# --- the switch -------------------------------------------------------------------------------------------------------


def run(valkey, wanted):
    async def inside():
        async with from_a_loop(valkey) as store:
            return await wanted(store)

    return asyncio.run(inside())


def test_who_comes_second_changes_nothing(store, valkey):
    async def both(store):
        seen = await current(store)
        first = await store.run(change(seen, Rollout(share=10), Move.SET, "a"))
        again = await store.run(change(seen, Rollout(share=10), Move.SET, "a"))
        second = await store.run(change(seen, Rollout(share=20), Move.SET, "b"))
        return first, again, second, await current(store), await newest_events(store, 10)

    first, again, second, now, events = run(valkey, both)
    assert (first, again, second) == (True, True, False)
    assert (now.share, now.version) == (10, 1)
    assert [(event.move, event.after) for event in events] == [(Move.SET, now)]


def test_what_cannot_be_audited_changes_nothing(store, valkey):
    store.client.set(Trail.DONE.key, "of another type")

    async def set_it(store):
        with pytest.raises(ResponseError):
            await store.run(change(Rollout(), Rollout(share=10), Move.SET, "a"))
        return await current(store), await newest_events(store, 10)

    assert run(valkey, set_it) == (Rollout(), [])


def test_the_door_keeps_the_last_share_while_valkey_is_away(tmp_path):
    server = LocalValkey(tmp_path)
    server.ready()
    try:
        async def ask():
            async with from_a_loop(server) as store:
                await store.run(change(Rollout(), Rollout(share=0), Move.SET, "a"))
                switch = ShareSwitch(store)
                before = await switch.path_for("ann", "w")
                server.kill()
                switch._looked_s = 0.0
                return before, await switch.path_for("ann", "w")

        assert asyncio.run(ask()) == (Path.DIRECT, Path.DIRECT)
    finally:
        server.teardown()


def test_the_door_keeps_the_last_share_it_could_read(store, valkey):
    async def ask(loop_store):
        async def path():
            switch._looked_s = 0.0
            return await switch.path_for("ann", "w")

        switch = ShareSwitch(loop_store)
        await loop_store.run(change(Rollout(), Rollout(share=0), Move.SET, "a"))
        paths = [await path()]
        for share in ("much", "nan", "101"):
            store.client.hset(KEY, "share", share)
            paths.append(await path())
        store.client.hset(KEY, mapping={"share": 100, "phase": "frozen"})  # by a release to come
        return [*paths, await path()]

    assert run(valkey, ask) == [Path.DIRECT] * 4 + [Path.CELERY]


# --- the evaluator ----------------------------------------------------------------------------------------------------


@contextmanager
def brought_to(store, **fields):
    """The switch as it is to be, ten seconds ago: what was asked since then counts."""
    at_ms = int(time.time() * 1000) - 10_000
    store.client.hset(KEY, mapping={"since_ms": at_ms, "version": 1, **fields})
    yield
    store.client.delete(KEY, EVENTS)


def test_a_broken_side_is_rolled_back_and_comes_back(store, valkey):
    short = {"ROLLOUT_COOL_DOWN_S": "60", "ROLLOUT_STAGE_S": "0.1", "ROLLOUT_STAGE_ASKED": "3"}
    with settings_here(valkey.url, **short), brought_to(store, share=50, target=50):
        for _ in range(40):
            fail(store)
            answer(store, path=Path.DIRECT)

        async def play(loop_store):
            evaluator, other = Evaluator(loop_store), Evaluator(loop_store)
            steps = [await evaluator.look(), await other.look(), await evaluator.look()]
            trail = await newest(loop_store, Trail.DONE, "", 10)
            store.client.hset(KEY, "until_ms", 1)  # the cool-down is over
            while (step := await evaluator.look()) and step.after.phase is not Phase.STEADY:
                steps.append(step)
                store.client.hset(KEY, "since_ms", int(time.time() * 1000) - 10_000)
                store.client.delete(*store.client.keys("baton:rollout:asked:*"))  # of before
                assert await evaluator.look() is None, "no questions, no next stage"
                for _ in range(3):
                    answer(store)
                    answer(store, path=Path.DIRECT)
            return steps, step, trail, await newest_events(loop_store, 20)

        steps, last, trail, events = run(valkey, play)
    rolled_back, others, at_once, *back = steps
    assert (rolled_back.move, rolled_back.after.share, others, at_once) == (Move.ROLL_BACK, 0, None, None)
    assert rolled_back.after.reason.startswith("40 of 40 questions by Celery (100.0%) failed, and 0 of 40 direct")
    assert [step.after.share for step in [*back, last]] == [1, 5, 25, 50]
    assert [(one.action.action, one.action.target) for one in trail] == [
        ("rollout roll_back", "/api/rollout: 50 % -> 0 %")]
    assert [event.move for event in reversed(events)] == [
        Move.ROLL_BACK, Move.RETURN, Move.ADVANCE, Move.ADVANCE, Move.ARRIVE]
    counts = read_counts(store.client.hgetall(keys.METRICS).items())
    assert counts["rollout", "roll_back", "failures"] == 1
    assert counts["rollout_look", "done"] >= 6


def test_quiet_sides_stay(store, valkey):
    with settings_here(valkey.url), brought_to(store, share=50, target=50):
        for _ in range(40):
            answer(store)
            answer(store, path=Path.DIRECT)

        async def look(loop_store):
            one, other = Evaluator(loop_store), Evaluator(loop_store)
            steps = [await one.look(), await other.look(), await one.look()]
            return steps, await current(loop_store)

        steps, now = run(valkey, look)
    assert (steps, now.share) == ([None, None, None], 50)
    assert read_counts(store.client.hgetall(keys.METRICS).items())["rollout_look", "done"] == 2, "one at a time looks"


def test_who_stops_lets_the_next_one_look_at_once(store, valkey):
    with settings_here(valkey.url):
        async def stop_and_look(loop_store):
            one, other = Evaluator(loop_store, every_s=60), Evaluator(loop_store)
            one.start()
            await asyncio.to_thread(wait_for, lambda: looks_of(store), "a look", 20)
            await other.look()
            looks = [looks_of(store)]
            await one.stop()
            await other.look()
            looks.append(looks_of(store))
            late = Evaluator(loop_store)
            late.start()
            await late.stop()  # which gives back nothing that is another's
            return looks, store.client.get(EVALUATOR) == other._process.encode()

        assert run(valkey, stop_and_look) == ([1, 2], True)


def looks_of(store):
    return int(store.client.hget(keys.METRICS, "rollout_look|done") or 0)


# --- the API ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def api(store, valkey):
    with settings_here(valkey.url, ROLLOUT_AUTO="false"), TestClient(create_app(), client=("127.0.0.1", 1)) as client:
        yield client


def put(api, share, **more):
    return api.put("/api/rollout", json={"share": share, "actor": "ann", "reason": "step by step", **more})


def test_the_share_is_shown_and_changed(api, store):
    assert api.get("/api/rollout").json()["share"] == 100
    changed = put(api, 25, version=0)
    assert changed.status_code == 200, changed.text
    shown = api.get("/api/rollout").json()
    assert (shown["share"], shown["target"], shown["phase"], shown["actor"], shown["version"]) == (
        25, 25, "steady", "ann", 1)
    assert [(event["move"], event["share"], event["reason"]) for event in shown["events"]] == [
        ("set", 25, "step by step")]
    late = put(api, 50, version=0)
    assert (late.status_code, late.json()["error_type"]) == (409, "forbidden_by_status")
    assert "25 %" in late.json()["detail"]
    for bad in (-1, 100.1, "much", None):
        assert put(api, bad).status_code == 422
    *others, first = [entry for entry in api.get("/api/audit").json()["entries"] if entry["status"] == 200]
    assert others == [], "the middleware wrote down no second one"
    assert (first["action"], first["target"], first["actor"], first["reason"]) == (
        "PUT /api/rollout", "/api/rollout: 100 % -> 25 %", "ann", "step by step")
    assert 409 in {entry["status"] for entry in api.get("/api/audit").json()["entries"]}


@pytest.mark.parametrize("rubbish", [{"phase": "frozen"}, {"share": "much"}, {"version": "x", "since_ms": "x"}])
def test_a_switch_that_cannot_be_read_is_told_and_repaired(api, store, valkey, rubbish):
    put(api, 25)
    store.client.hset(KEY, mapping=rubbish)
    store.client.xadd(EVENTS, {"move": "freeze", **rubbish})
    shown = api.get("/api/rollout").json()
    assert shown["unreadable"] == [name for name in ("phase", "share", "since_ms", "version") if name in rubbish]
    assert (shown["phase"], shown["events"][0]["move"]) == ("steady", "freeze")
    assert "cannot be read here" in api.get("/dashboard").text
    assert "baton_store_up 1.0" in api.get("/metrics").text
    asked = api.post("/api/query", json={"query": "how many"}, headers={"Prefer": "respond-async"})
    assert asked.status_code == 202, asked.text
    assert run(valkey, lambda loop_store: Evaluator(loop_store).look()) is None
    assert not store.client.exists(EVALUATOR), "whoever can read it may look"
    assert put(api, 50).status_code == 200
    repaired = api.get("/api/rollout").json()
    assert (repaired["share"], repaired["phase"], repaired["unreadable"]) == (50, "steady", [])


def test_questions_take_the_path_of_their_session(api, store):
    put(api, 50)
    for session in ("ann", "bob", "eve", "joe", "sue"):
        reply = api.post("/api/query", json={"query": "how many flights", "session_id": session},
                         headers={"Prefer": "respond-async"})
        assert reply.status_code == 202, reply.text
        path = store.client.hget(keys.record(reply.json()["workflow_id"]), "path") or b"celery"
        assert path.decode() == path_at(50, session, "")


def test_the_dashboard_says_so(api, store):
    assert "100 %</b> of the sessions" in api.get("/dashboard").text
    assert "Celery answered clearly worse" not in api.get("/dashboard").text
    reason = "40 of 40 questions by Celery failed."
    with brought_to(store, share=0, target=50, phase="rolled_back", until_ms=int(time.time() * 1000) + 600_000,
                    actor="rollout", reason=reason):
        page = api.get("/dashboard").text
    assert f"all sessions take the direct path until the cool-down ends. {reason}" in page
    assert "with 1 % of the sessions" in page
    assert "found no seat" not in page
    start(store, overflow=Overflow.NO_SEAT)
    assert "1 question found no seat on the direct path" in api.get("/dashboard").text


@pytest.mark.parametrize(("failed", "waits"), [(0, "It waits for 50 questions on each side, so far 1 by Celery"),
                                                (4, "In doubt: 4 of 5 questions by Celery (80.0%) failed")])
def test_a_stage_says_what_it_waits_for(api, store, failed, waits):
    with brought_to(store, share=5, target=50, phase="returning", actor="rollout"):
        answer(store)
        for _ in range(failed):
            fail(store)
        for _ in range(30):
            answer(store, path=Path.DIRECT)
        stage, page = api.get("/api/rollout").json()["stage"], api.get("/dashboard").text
    assert (stage["answered"], stage["needed"]) == ({"celery": 1 + failed, "direct": 30}, 50)
    assert bool(stage["doubt"]) is bool(failed)
    assert "PUT /api/rollout" in stage["way_out"]
    assert waits in page
    assert f"{1 + failed} questions by Celery and 30 direct have ended" in page
    assert api.get("/api/rollout").json()["stage"] is None, "steady again"


def test_prometheus_reads_the_share(api, store):
    put(api, 5)
    assert "baton_rollout_share 5.0" in api.get("/metrics").text
    assert 'baton_rollout_changes_total{measure="none",move="set"} 1.0' in api.get("/metrics").text
    with brought_to(store, share=5, phase="returning"):
        assert 'baton_rollout_phase{phase="returning"} 1.0' in api.get("/metrics").text


assert SLOT_MS == 5_000  # as state/lua/sides.lua has it
