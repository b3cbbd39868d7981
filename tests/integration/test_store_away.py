"""Valkey is killed and comes back while workflows run: nothing is lost, nobody exits, no healthy step is taken over."""

import sys
import threading

import pytest

from core.beat import BEAT_LOCK
from core.store_fault import StoreFault
from tests.floor import floor_of
from tests.integration.test_worker import POOLS
from tests.processes import LocalProcess, wait_for
from tests.scripted_agent import STANDARD, Reply


@pytest.fixture
def floor(valkey, tmp_path):
    with floor_of(valkey, tmp_path) as floor:
        yield floor
        floor.agent.release()


@pytest.mark.parametrize("pool", POOLS)
def test_valkey_away_while_busy(floor, valkey, pool):
    hold = threading.Event()
    floor.agent.script("/execute", *(Reply(STANDARD["/execute"], until=hold) for _ in range(3)))
    worker = floor.worker(pool)
    workflows = [floor.ask() for _ in range(3)]
    for workflow_id in workflows:
        floor.running(workflow_id, "data")
    more = [floor.ask() for _ in range(6)]
    valkey.kill()
    hold.set()
    valkey.start()
    valkey.ready()
    for workflow_id in workflows + more:
        record = floor.ended(workflow_id)
        assert record.status == "SUCCEEDED", record
    assert worker.status == "running"
    takeovers = [floor.store.record(w).steps[s].takeovers for w in workflows for s in ("nlp", "data", "viz")]
    assert takeovers == [0] * 9
    wait_for(lambda: floor.client.zcard("baton:due") == 0, "nothing to be due")


class Beat(LocalProcess):
    def up(self):
        return "Acquired lock" in self.logs()

    def sends(self, valkey):
        """Wait until it sends health checks: the lock alone is taken before it is ready."""
        valkey.client.delete("baton")
        wait_for(lambda: valkey.client.llen("baton") > 0, "beat to send health checks", 20)


def test_beat_outlives_valkey_s_absence_and_fullness_and_leads_again(valkey, tmp_path):
    beat = Beat([sys.executable, "-m", "celery", "-A", "tasks", "beat", "-l", "INFO"], tmp_path,
                {"REDIS_URL": valkey.url, "HEALTH_INTERVAL_S": "0.5"})
    try:
        beat.ready()
        beat.sends(valkey)
        valkey.kill()
        wait_for(lambda: "beat_waits" in beat.logs(), "beat to see it", 20)
        valkey.start()
        valkey.ready()
        beat.sends(valkey)
        valkey.client.config_set("maxmemory", 1)
        wait_for(lambda: StoreFault.FULL.said in beat.logs(), "beat to see that it is full", 20)
        valkey.client.config_set("maxmemory", 0)
        beat.sends(valkey)
        assert beat.status == "running"
    finally:
        beat.teardown()


def test_beat_leads_again_when_its_lock_was_lost(valkey, tmp_path):
    beat = Beat([sys.executable, "-m", "celery", "-A", "tasks", "beat", "-l", "INFO"], tmp_path,
                {"REDIS_URL": valkey.url, "HEALTH_INTERVAL_S": "0.5"})
    try:
        beat.ready()
        beat.sends(valkey)
        valkey.client.delete(BEAT_LOCK)
        wait_for(lambda: "beat_leads_again" in beat.logs(), "beat to take the lock again", 20)
        assert beat.status == "running"
    finally:
        beat.teardown()
