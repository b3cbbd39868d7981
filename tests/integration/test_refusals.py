"""A real server that answers and takes no writes: full, unable to save, a replica, or without its own."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from core.store_fault import StoreFault
from core.valkey import async_client, sync_client
from state import control, keys, outage, recovery
from state import transitions as t
from state.errors import StoreUnavailable
from state.inspection import inspect
from state.listing import Listing
from state.model import WorkflowStatus
from state.store import AsyncStore, Store
from tests.integration.test_state import GAP_MS, GRACE_MS, LEASE_MS, begin, chain_of_three, finish, start
from tests.processes import LocalValkey, free_ports, wait_for


@contextmanager
def full(valkey: LocalValkey, at_bytes: int = 1) -> Iterator[None]:
    valkey.client.config_set("maxmemory", at_bytes)
    try:
        yield
    finally:
        valkey.client.config_set("maxmemory", 0)


@contextmanager
def unsaved(valkey: LocalValkey) -> Iterator[None]:
    """A folder stands where its snapshot should go."""
    folder = valkey.log.parent / str(valkey.client.config_get("dbfilename")["dbfilename"])
    folder.mkdir()
    valkey.client.config_set("save", "3600 1")
    valkey.client.bgsave()
    wait_for(lambda: valkey.client.info("persistence")["rdb_last_bgsave_status"] == "err", "the snapshot to fail", 10)
    try:
        yield
    finally:
        valkey.client.config_set("save", "")
        folder.rmdir()


@contextmanager
def a_replica(valkey: LocalValkey) -> Iterator[None]:
    valkey.client.replicaof("127.0.0.1", *free_ports(1))
    try:
        yield
    finally:
        valkey.client.replicaof("NO", "ONE")


@contextmanager
def without_replicas(valkey: LocalValkey) -> Iterator[None]:
    valkey.client.config_set("min-replicas-to-write", 1)
    try:
        yield
    finally:
        valkey.client.config_set("min-replicas-to-write", 0)


@pytest.fixture
def store(valkey: LocalValkey, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    monkeypatch.setattr(outage, "PATIENCE_S", 0.05)
    monkeypatch.setattr(outage, "REPORT_PATIENCE_S", 0.05)
    monkeypatch.setattr(outage, "LOOK_AGAIN_S", 0.05)
    client = sync_client(valkey.url)
    client.flushall()
    yield Store(client)
    client.close()


async def over(store: AsyncStore) -> None:
    async with asyncio.timeout(10):
        while await store.fault():  # noqa: ASYNC110 - the flag has no event of its own
            await asyncio.sleep(0.02)


def looks(valkey: LocalValkey) -> int:
    """How often it was asked to write nothing."""
    return int(valkey.client.info("commandstats")["cmdstat_setrange"]["calls"])


@pytest.mark.parametrize(("refuse", "fault"), [
    (full, StoreFault.FULL), (unsaved, StoreFault.UNSAVED), (a_replica, StoreFault.READ_ONLY),
    (without_replicas, StoreFault.READ_ONLY)])
def test_a_server_that_takes_no_writes_is_an_outage(store, valkey, refuse, fault):
    workflow, another = chain_of_three(), chain_of_three()
    start(store, workflow)

    async def story() -> None:
        client = async_client(valkey.url)
        there = AsyncStore(client)
        with refuse(valkey):
            for _ in range(2):  # found, then known
                with pytest.raises(StoreUnavailable) as refused:
                    await there.run(t.start(another, GRACE_MS, "token"))
                assert refused.value.fault is fault
            assert (await there.fault(), there.away) == (fault, False)
            assert [one.workflow_id for one in (await there.page(Listing())).workflows] == [workflow.workflow_id]
            assert await there.version(workflow.workflow_id)
            assert (await there.status(workflow.workflow_id)) is WorkflowStatus.QUEUED
        await over(there)
        assert (await there.run(t.start(another, GRACE_MS, "token"))).fresh
        await there.close()

    asyncio.run(story())
    with refuse(valkey):
        with pytest.raises(StoreUnavailable) as refused:
            start(store, chain_of_three())
        assert refused.value.fault is fault
        assert inspect(store, workflow.workflow_id)
        assert len(store.page(Listing()).workflows) == 2


def test_one_that_was_full_is_used_again_when_there_is_room_for_more_than_one(store, valkey):
    """What was accepted before is to end first, or each byte freed would take in a question to wait for more."""

    async def story() -> None:
        client = async_client(valkey.url)
        there = AsyncStore(client)
        used = valkey.client.info("memory")["used_memory"]
        with full(valkey):
            with pytest.raises(StoreUnavailable):
                await there.run(t.start(chain_of_three(), GRACE_MS, "token"))
            looked = looks(valkey)
            valkey.client.config_set("maxmemory", int(used / 0.97))
            await asyncio.to_thread(wait_for, lambda: looks(valkey) >= looked + 3, "some looks", 10)
            assert await there.fault() is StoreFault.FULL
            assert valkey.client.set("anything", 1)
            valkey.client.config_set("maxmemory", int(used / 0.8))
            await over(there)
            assert (await there.run(t.start(chain_of_three(), GRACE_MS, "token"))).fresh
        await there.close()

    asyncio.run(story())


def everything(store: Store) -> dict[bytes, Any]:
    """What every key holds."""
    read: dict[bytes, Callable[[bytes], Any]] = {
        b"hash": store.client.hgetall, b"zset": lambda key: store.client.zrange(key, 0, -1, withscores=True),
        b"stream": store.client.xrange, b"set": store.client.smembers, b"string": store.client.get}
    return {key: read[store.client.type(key)](key) for key in store.client.scan_iter()}


def transitions(store: Store) -> dict[str, Callable[[], object]]:
    """One of each that writes, ready to be run."""
    fresh, queued, running, ended = (chain_of_three() for _ in range(4))
    send = start(store, queued)
    go = begin(store, start(store, running))
    store.run(t.fail(begin(store, start(store, ended)), {"message": "no"}, ttl_s=100, grace_ms=GRACE_MS, token="t"))
    wish = {"actor": "ann", "reason": "test"}
    held = [(send, False)]
    return {
        "start": lambda: start(store, fresh),
        "begin": lambda: begin(store, send),
        "finish": lambda: finish(store, go),
        "fail": lambda: store.run(t.fail(go, {"message": "no"}, ttl_s=100, grace_ms=GRACE_MS, token="t")),
        "retry_later": lambda: store.run(
            t.retry_later(go, 1.0, {"message": "no"}, lease_ms=LEASE_MS, token="t", called=True)),
        "pause": lambda: store.run(control.pause(queued.workflow_id, **wish)),
        "cancel": lambda: store.run(control.cancel(queued.workflow_id, **wish, ttl_s=100)),
        "reset_from": lambda: store.run(
            control.reset_from(ended.workflow_id, "", **wish, grace_ms=GRACE_MS, token="t")),
        "look": lambda: store.run(recovery.look(1, GAP_MS, LEASE_MS)),
        "renew": lambda: store.run(recovery.renew("n1", held, LEASE_MS, GAP_MS)),
    }


def test_no_transition_is_cut_in_the_middle(store, valkey):
    """The server looks once, at a script's first write that may take memory: nothing is written then, or all of it."""
    refused = []
    for name in transitions(store):
        store.client.flushall()
        action = transitions(store)[name]
        before = everything(store)
        with full(valkey):
            try:
                action()
            except StoreUnavailable:
                refused.append(name)
                assert everything(store) == before, name
        if name in refused:
            action()
            assert everything(store) != before, name
    assert {"start", "begin", "finish", "look"} <= set(refused), refused


def test_what_was_begun_before_it_is_full_is_done(store, valkey):
    """The copy of the figures that a minute's first count keeps is larger than the memory that is left."""
    store.client.hset(keys.METRICS, mapping={"minute_ms": 0, **{f"filling|{n}": 1 for n in range(20_000)}})
    workflow = chain_of_three()
    with full(valkey, valkey.client.info("memory")["used_memory"] + 100_000):
        start(store, workflow)
        with pytest.raises(StoreUnavailable) as refused:
            start(store, chain_of_three())
    assert refused.value.fault is StoreFault.FULL
    assert [one.workflow_id for one in store.page(Listing()).workflows] == [workflow.workflow_id]
    assert store.client.zscore(keys.DUE, keys.due_member(workflow.workflow_id, "nlp"))
    finish(store, begin(store, store.run(t.start(workflow, GRACE_MS, "start")).sends[0]))
