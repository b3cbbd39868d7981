"""What the check-up says of what it saw."""

import pytest

from agents.health import Health, HealthStatus
from api.checkup.agents import judged_agent
from api.checkup.server import judged, refusing
from api.checkup.settings import settings_findings
from api.checkup.workers import judged_queues, judged_releases, judged_workers
from core.finding import Finding, Level, worst
from core.release import RELEASE
from core.settings import Settings
from core.store_fault import StoreFault
from state.backlog import Backlog, Queue

GOOD = {"redis_version": "7.2.4", "valkey_version": "9.1.2", "cluster_enabled": 0, "role": "master", "aof_enabled": 1,
        "aof_last_write_status": "ok", "maxmemory_policy": "noeviction", "maxmemory": 0, "used_memory": 5_000}


@pytest.mark.parametrize(("report", "fsync", "level", "said", "advised"), [
    ({"redis_version": "6.0.16"}, False, Level.FAIL, "6.0.16", "6.2"),
    ({"redis_version": "7.0.1"}, True, Level.FAIL, "7.0.1", "7.2"),
    ({"cluster_enabled": 1}, False, Level.FAIL, "cluster", "Sentinel"),
    ({"role": "slave"}, False, Level.FAIL, "replica", "primary"),
    ({"aof_enabled": 0}, False, Level.WARN, "append-only", "appendonly yes"),
    ({"aof_enabled": 0}, True, Level.FAIL, "append-only", "appendonly yes"),
    ({"aof_last_write_status": "err"}, False, Level.FAIL, "cannot write", "disk"),
    ({"maxmemory_policy": "allkeys-lru"}, False, Level.FAIL, "allkeys-lru", "noeviction"),
    ({"maxmemory": 5_100}, False, Level.WARN, "98%", "CONFIG SET maxmemory"),
    ({"maxmemory": 6_000}, False, Level.WARN, "83%", "frees nothing that is stored already"),
])
def test_a_server_that_will_not_do(report: dict[str, object], fsync: bool, level: Level, said: str,
                                   advised: str) -> None:
    (finding,) = judged(GOOD | report, fsync=fsync)
    assert finding.level is level
    assert said in finding.found
    assert advised in finding.advice


@pytest.mark.parametrize(("fault", "said", "advised"), [
    (StoreFault.FULL, "full", "CONFIG SET maxmemory"), (StoreFault.UNSAVED, "save", "disk"),
    (StoreFault.READ_ONLY, "replica", "primary")])
def test_a_server_that_takes_no_writes(fault: StoreFault, said: str, advised: str) -> None:
    (finding,) = refusing(fault)
    assert finding.level is Level.FAIL
    assert said in finding.found
    assert advised in finding.advice


def test_a_good_server_has_nothing_against_it() -> None:
    assert list(judged(GOOD, fsync=True)) == []
    assert refusing(None) == []


def levels(found: list[Finding]) -> dict[str, Level]:
    return {finding.subject: finding.level for finding in found}


def test_a_queue_nobody_consumes_and_one_that_is_slow() -> None:
    queues = {"agents.nlp": Queue(3, 400), "agents.data": Queue(7, 31_000), "agents.viz": Queue(2, 9)}
    found = judged_queues(queues, {"agents.nlp", "agents.data"})
    assert levels(found) == {"queue agents.viz": Level.FAIL, "queue agents.data": Level.WARN}
    assert "-Q agents.viz" in found[0].advice
    assert levels(judged_queues(queues | {"agents.data": Queue(0)}, set(queues))) == {"queues": Level.OK}


@pytest.mark.parametrize(("workers", "level"), [(0, Level.FAIL), (2, Level.OK)])
def test_workers(workers: int, level: Level) -> None:
    assert levels(judged_workers(Backlog({}, {}, due=4, overdue=0, workers=workers))) == {"workers": level}


@pytest.mark.parametrize(("status", "level", "advised"), [
    (HealthStatus.HEALTHY, Level.OK, ""), (HealthStatus.UNHEALTHY, Level.FAIL, "DATA_AGENT_URL")])
def test_agents(status: HealthStatus, level: Level, advised: str) -> None:
    finding = judged_agent(Health("data", "http://there:1", status, "answered 500", "", 5, 1, 1))
    assert finding.level is level
    assert advised in finding.advice


@pytest.mark.parametrize(("set_to", "given", "said"), [
    ({}, ["data_timout_s"], "DATA_TIMOUT_S"),
    ({"bind_host": "10.0.0.1"}, [], "BIND_HOST"),
    ({"api_keys_file": "/no/such/file", "flower_basic_auth": "a:b"}, [], "/no/such/file"),
    ({"data_timeout_s": 500}, [], "500 s"),
])
def test_settings_that_are_at_fault(set_to: dict[str, object], given: list[str], said: str) -> None:
    found = settings_findings(Settings(_env_file=None, **set_to), dict.fromkeys(given, "1"))
    assert [said in finding.found for finding in found] == [True]
    assert worst(found) is not Level.OK
    assert found[0].advice


def test_variables_of_others_are_not_taken_for_misspelt() -> None:
    found = settings_findings(Settings(_env_file=None), dict.fromkeys(["PATH", "HOME", "LANG", "NLP_TIMEOUT_S"], "1"))
    assert worst(found) is Level.OK


def test_workers_of_another_release_are_named() -> None:
    assert judged_releases({"a@one": RELEASE, "b@one": RELEASE}) == []
    (found,) = judged_releases({"a@one": RELEASE, "b@one": "0.1.0"})
    assert found.level is Level.WARN
    assert found.found == f"This is {RELEASE}, and b@one is 0.1.0."
