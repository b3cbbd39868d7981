"""Streams of events over HTTP on a real Valkey: clients that drop and come back, heartbeats, failures, slow readers."""

import asyncio
import json
import random
import socket
import threading
from urllib.parse import urlsplit

import httpx
import pytest
from test_listing import accept, begin, finish

from api.desk import EVENTS_A_LOOK, Desk
from api.routes import streams
from api.watch import Watcher
from core.valkey import async_client, sync_client
from state import control, keys
from state.store import AsyncStore, Store
from tests.event_stream import EventStream
from tests.processes import wait_for
from tests.served_api import served_api

HEARTBEAT_S = 0.2
DROPS = 100


@pytest.fixture(scope="module")
def port(valkey):
    with served_api(valkey.url, SSE_HEARTBEAT_S=str(HEARTBEAT_S)) as base_url:
        yield urlsplit(base_url).port


@pytest.fixture
def store(valkey):
    client = sync_client(valkey.url)
    yield Store(client)
    client.close()


def toggle(store, workflow_id, times, reason=""):
    """Two events each time."""
    for _ in range(times):
        store.run(control.pause(workflow_id, actor="ann", reason=reason))
        store.run(control.resume(workflow_id, actor="ann", reason=reason, grace_ms=60_000))


def history(store, workflow_id):
    return [entry_id.decode() for entry_id, _ in store.client.xrange(keys.events(workflow_id))]


def run(reading, limit_s=30.0):
    async def bounded():
        return await asyncio.wait_for(reading, limit_s)

    return asyncio.run(bounded())


def test_a_client_that_drops_a_hundred_times_misses_nothing_and_gets_nothing_twice(store, port):
    """While things happen: it drops at any moment, also before the first byte, and with events on their way."""
    send = accept(store)
    chance, client = random.Random(1), EventStream(port, send.workflow_id)
    happening = threading.Thread(target=toggle, args=(store, send.workflow_id, 2 * DROPS))

    async def come_and_go():
        for _ in range(DROPS):
            if chance.random() < 0.1:
                await client.connect()
            else:
                await client.open()
                await client.read(chance.randrange(4))
            await client.drop()
        await asyncio.to_thread(happening.join)  # it may be paused until then
        finish(store, begin(store, send))
        await client.open()
        await client.read()

    happening.start()
    try:
        run(come_and_go())
    finally:
        happening.join()
    assert client.ids == history(store, send.workflow_id)
    assert len(client.ids) > DROPS


def test_all_that_was_is_read_at_once_across_looks_and_rounds(store, port):
    """Also when a look ends exactly where an earlier round ended."""
    send = accept(store)
    toggle(store, send.workflow_id, EVENTS_A_LOOK // 2 - 2)
    finish(store, begin(store, send))
    assert len(history(store, send.workflow_id)) == EVENTS_A_LOOK
    client = EventStream(port, send.workflow_id)
    store.run(control.reset_from(send.workflow_id, "nlp", actor="ann", reason="", grace_ms=60_000, token="again"))
    store.run(control.cancel(send.workflow_id, actor="ann", reason="", ttl_s=100))
    run(_whole(client))
    assert client.ids == history(store, send.workflow_id)
    assert client.received[-1].data == {"workflow_id": send.workflow_id, "status": "CANCELLED"}


async def _whole(client):
    await client.open()
    await client.read()


def test_an_idle_stream_beats_and_hears_at_once(store, port):
    send = accept(store)
    client = EventStream(port, send.workflow_id)

    async def idle_then_cancelled():
        await client.open()
        await client.read(1)
        await client.beaten(3)
        await asyncio.to_thread(store.run, control.cancel(send.workflow_id, actor="ann", reason="", ttl_s=100))
        await client.read()

    run(idle_then_cancelled())
    *_, ended, _end = client.received
    assert ended.at_ms - int(ended.event_id.partition("-")[0]) < 1_000


def test_who_has_heard_the_last_event_is_told_the_end_alone(store, port):
    send = accept(store)
    finish(store, begin(store, send))
    client = EventStream(port, send.workflow_id)
    run(_whole(client))
    again = EventStream(port, send.workflow_id, client.received[:-1])
    run(_whole(again))
    assert [one.name for one in again.received[len(client.received) - 1:]] == ["end"]


def test_no_stream_for_what_is_not_there(port):
    reply = httpx.get(f"http://127.0.0.1:{port}/api/workflow/{'0' * 32}/events")
    assert (reply.status_code, reply.json()["error_type"]) == (404, "not_found")


def test_a_stream_that_fails_says_so(store, valkey, monkeypatch):
    """A problem document, as its last event; never an end that did not happen."""
    send = accept(store)
    store.client.xadd(keys.events(send.workflow_id), {"kind": "unheard of", "step": ""})

    async def all_told():
        client = async_client(valkey.url)
        desk = Desk(AsyncStore(client), Watcher(client), app=None, direct=None)
        told = [event async for event in streams.told(desk, send.workflow_id, "0-0", None)]
        await client.aclose()
        return told

    *_, failure = run(all_told())
    assert (failure.event, failure.id) == ("failure", None)
    assert json.loads(failure.data)["error_type"] == "internal_error"


def test_a_slow_reader_is_left_and_costs_nobody_else_anything(store, port, monkeypatch):
    monkeypatch.setattr(streams, "SLOW_READER_S", 0.5)
    left = []
    monkeypatch.setattr(streams.log, "info", lambda *args, **kwargs: left.append(args))
    send = accept(store)
    with socket.socket() as stuck:
        stuck.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2_048)
        stuck.connect(("127.0.0.1", port))
        stuck.sendall(f"GET /api/workflow/{send.workflow_id}/events HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        toggle(store, send.workflow_id, 200, "r" * 30_000)  # more than the kernel takes
        finish(store, begin(store, send))
        client = EventStream(port, send.workflow_id)
        run(_whole(client))
        assert client.ids == history(store, send.workflow_id)
        wait_for(lambda: left, "the slow reader to be left", 10)


def test_the_watcher_goes_on_after_whatever_happened(valkey, store, monkeypatch):
    """And wakes everyone, since something may have been missed."""
    async def watch():
        client = async_client(valkey.url)
        watcher = Watcher(client)
        monkeypatch.setattr("api.watch.TRY_AGAIN_S", 0.0)
        faults = [TypeError("a bug"), OSError("gone")]
        whole = watcher._listen

        async def faulty(subscription):
            if faults:
                raise faults.pop()
            await whole(subscription)

        monkeypatch.setattr(watcher, "_listen", faulty)
        running = asyncio.create_task(watcher.run())
        async with watcher.watching("some") as watching:
            await watching.changed()
            assert (watcher.listening, faults) == (True, [])
            store.client.publish(keys.CHANGED, "some")
            await watching._event.wait()
        running.cancel()
        await client.aclose()

    run(watch())
