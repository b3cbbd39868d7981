"""Servers that Baton must not run on are refused at the start, by every process; ACCEPT_FSYNC waits for the disk."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.settings import ROOT, Settings
from core.suitability import UnsuitableServer, check_server
from core.valkey import async_client
from pipeline.question import Question, accept, plan_workflow
from state.errors import StoreUnavailable
from state.store import AsyncStore
from state.transition import new_token
from tests.processes import LocalValkey, free_ports

STARTS = {"API": "api", "worker": "celery -A tasks worker -P gevent", "beat": "celery -A tasks beat"}


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalValkey]:
    (bus,) = free_ports(1)
    server = LocalValkey(tmp_path_factory.mktemp("cluster"), "--cluster-enabled", "yes", "--cluster-port", str(bus))
    server.ready()
    yield server
    server.teardown()


@pytest.fixture
def forgetful(tmp_path: Path) -> Iterator[LocalValkey]:
    server = LocalValkey(tmp_path, "--appendonly", "no")
    server.ready()
    yield server
    server.teardown()


@pytest.mark.parametrize("process", STARTS)
def test_a_cluster_is_refused_with_the_reason(cluster: LocalValkey, process: str) -> None:
    ended = subprocess.run([sys.executable, "-m", *STARTS[process].split()], cwd=ROOT, capture_output=True, text=True,
                           timeout=60, check=False, env={**os.environ, "REDIS_URL": cluster.url, "API_PORT": "1"})
    assert ended.returncode != 0
    assert "Baton needs one primary" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_nothing_to_sync_is_refused_only_when_it_is_asked_for(forgetful: LocalValkey) -> None:
    check_server(Settings(redis_url=forgetful.url))
    with pytest.raises(UnsuitableServer, match="appendonly yes"):
        check_server(Settings(redis_url=forgetful.url, accept_fsync=True))


def test_a_server_that_is_away_is_no_reason_to_end(forgetful: LocalValkey) -> None:
    forgetful.kill()
    check_server(Settings(redis_url=forgetful.url))


def test_what_is_accepted_is_on_disk(valkey: LocalValkey) -> None:
    async def run() -> tuple[bool, int]:
        client = async_client(valkey.url)
        transition = accept(plan_workflow(Question("kept")), new_token())
        started = await AsyncStore(client).run(transition, on_disk=True)
        await client.aclose()
        return started.fresh, len(started.sends)

    assert asyncio.run(run()) == (True, 1)


def test_what_is_not_on_disk_in_time_is_not_accepted(valkey: LocalValkey, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("state.store.SYNC_WITHIN_S", 0.05)
    valkey.client.config_set("appendfsync", "no")

    async def run() -> None:
        client = async_client(valkey.url)
        try:
            await AsyncStore(client).run(accept(plan_workflow(Question("kept")), new_token()), on_disk=True)
        finally:
            await client.aclose()

    try:
        with pytest.raises(StoreUnavailable, match="not synced"):
            asyncio.run(run())
    finally:
        valkey.client.config_set("appendfsync", "everysec")
