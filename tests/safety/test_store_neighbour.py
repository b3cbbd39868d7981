"""A neighbour on Valkey who writes what does not belong there: nothing of it runs, and good questions are answered.

Who has Valkey's password owns the data; these tests show that rubbish is no more than rubbish.
"""

import base64
import json
import os
import pickle
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from state import keys
from tests.chaos.arena import LocalApi
from tests.processes import LocalValkey, LocalWorker, wait_for
from tests.safety.hostile_agent import HostileAgent

ID, SEND = "e" * 32, "e" * 32 + ".nlp.0.0"
LIMIT_S = 8.0
Vandal = Callable[["Place"], object]


@dataclass
class Place:
    """The system, and the store with no manners; `loot` is a file that no code of a message may make."""

    valkey: LocalValkey
    agent_url: str
    worker: LocalWorker
    api: LocalApi
    loot: Path

    @property
    def client(self) -> Any:
        return self.valkey.client

    def ask(self, question: str) -> str:
        """The status a good question ends with."""
        reply = requests.post(f"{self.api.url}/api/query", json={"query": question}, timeout=LIMIT_S)
        return str(reply.json().get("status", reply.text))


@pytest.fixture(scope="module")
def place(valkey: LocalValkey, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("neighbour")
    with HostileAgent().serving() as agent:
        environment = {"REDIS_URL": valkey.url, "DATA": "", "LEASE_S": "1", "RENEW_INTERVAL_S": "0.3",
                       **{f"{name}_AGENT_URL": agent.url for name in ("NLP", "DATA", "VIZ")}}
        worker, api = LocalWorker(folder, environment), LocalApi(folder, environment)
        try:
            worker.ready()
            api.ready()
            yield Place(valkey, agent.url, worker, api, folder / "loot")
        finally:
            api.teardown()
            worker.discard()


@pytest.fixture(autouse=True)
def swept(place: Place) -> Iterator[None]:
    yield
    place.client.flushdb()


class Explosive:
    """A pickle that makes a file when it is read."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self._file),)


def message(body: bytes = b"[[], {}, {}]", kind: str = "application/json", **headers: Any) -> str:
    """A message as kombu lays it into a list."""
    known = {"lang": "py", "task": "agents.nlp", "id": SEND, "root_id": ID, "parent_id": None, "group": None, **headers}
    properties = {"correlation_id": SEND, "reply_to": "", "delivery_mode": 2, "priority": 0, "body_encoding": "base64",
                  "delivery_info": {"exchange": "", "routing_key": "agents.nlp"}, "delivery_tag": "t"}
    return json.dumps({"body": base64.b64encode(body).decode(), "content-type": kind, "content-encoding": "binary"
                       if "json" not in kind else "utf-8", "headers": known, "properties": properties})


def sent(*messages: str | bytes) -> Vandal:
    """Messages in a queue that workers read."""
    def vandal(place: Place) -> None:
        for one in messages:
            place.client.lpush("agents.nlp", one)
        wait_for(lambda: not place.client.llen("agents.nlp"), "the queue to be read", LIMIT_S)
    return vandal


def pickled(place: Place) -> None:
    explosive = pickle.dumps(Explosive(place.loot))
    yaml = f"!!python/object/apply:os.mkdir ['{place.loot}']".encode()
    sent(message(explosive, "application/x-python-serialize"), message(yaml, "application/x-yaml"),
         message(explosive, "application/data"), message(explosive, "application/json"))(place)


def put(command: str, *arguments: Any) -> Vandal:
    """One command of Valkey's."""
    return lambda place: place.client.execute_command(command, *arguments)


def forged_record(**fields: str) -> Vandal:
    """A workflow that nobody asked for, in the indexes too."""
    def vandal(place: Place) -> None:
        place.client.hset(keys.record(ID), mapping={"status": "RUNNING", **fields})
        place.client.hset(keys.outputs(ID), mapping={"": "{not json", "nlp": b"\x00\xff"})
        place.client.xadd(keys.events(ID), {"kind": "nonsense", "data": "{not json"})
        place.client.zadd(keys.DUE, {f"{ID}|nlp": 1, f"{ID}|": 1})
        place.client.zadd(keys.BY_TIME, {ID: 9e15})
        place.client.zadd(f"{keys.BY_STATUS}:RUNNING", {ID: 9e15})
        for path in (f"/api/workflow/{ID}", f"/api/workflow/{ID}/status", f"/ask/{ID}", f"/workflows/{ID}"):
            reply = requests.get(place.api.url + path, timeout=LIMIT_S)
            assert "Traceback" not in reply.text
    return vandal


VANDALS: dict[str, Vandal] = {
    "a message that is no JSON": sent("rubbish", b"\xff\xfe\x00", "", "{"),
    "a message that is no message": sent("[]", "{}", "5", "null", '{"body": 1}', '{"headers": null, "body": "x"}'),
    "pickles and YAML": pickled,
    "an unknown task": sent(message(task="os.system"), message(task=""), message(task=None)),
    "arguments out of shape": sent(message(b"[[1, 2, 3, 4], {}, {}]"), message(b'[["x"], {"a": 1}, {}]'),
                                   message(b"{}"), message(b"5"), message(b"")),
    "headers out of shape": sent(message(id="x" * 10_000), message(id=None), message(eta="never"),
                                 message(expires="nonsense"), message(retries="many"), message(timelimit="x"),
                                 message(group=[1], root_id={}), message(chain="x")),
    "a task id of another form": sent(message(id="../../etc"), message(id=f"{ID}.nlp.x.y"), message(id="a.b.c.d")),
    "a tail of one's own": sent(message(b'[[], {}, {"chain": [{"task": "os.system", "args": ["id"]}], "callbacks": '
                                        b'[{"task": "x"}], "errbacks": [{"task": "y"}], "chord": {"task": "z"}}]')),
    "a message of 20 MB": sent(message(b'[["' + b"x" * 20_000_000 + b'"], {}, {}]')),
    "depth": sent("[" * 100_000, message(b"[" * 100_000)),
    "broadcasts": lambda place: [place.client.publish(channel, text) for channel in (
        "/0.celery.pidbox", "baton:changed", "celeryev", f"celery-task-meta-{ID}") for text in (
        "rubbish", b"\xff", "{}", message(), message(b'{"method": "no_such", "arguments": {}}'), "x" * 100_000)],
    "dues that are none": put("ZADD", keys.DUE, 1, "rubbish", 1, "|", 1, "", 1, "a|b|c", 1, b"\xff|x"),
    "a forged workflow": forged_record(),
    "a forged workflow with all its fields": forged_record(
        mode="interactive", created_ms="x", deadline_ms="never", steps="nlp,,nlp", **{"nlp:status": "ODD"}),
    "a breaker out of shape": lambda place: [place.client.hset(f"baton:breaker:{name}", mapping={
        "state": "ajar", "generation": "x", "score": "NaN", "mode": "{", "settings": "[[["}) for name in (
        "nlp", "data", "viz")],
    "a breaker with numbers out of shape": lambda place: [place.client.hset(f"baton:breaker:{name}", mapping={
        "state": "CLOSED", "mode": "auto", "generation": 7, field: rubbish}) for name, field, rubbish in (
        ("nlp", "tokens", "1e999"), ("data", "calls", "0x10"), ("viz", "settings", '{"threshold": "many"}'))],
    "a breaker of another type": lambda place: [
        place.client.set(f"baton:breaker:{name}", "x") for name in ("nlp", "data", "viz")],
    "health out of shape": put("HSET", "baton:health", "nlp", "rubbish", "data", "{}", "viz", '{"status": "odd"}',
                               b"\xff", "[]"),
    "health beyond all bounds": lambda place: [place.client.hset("baton:health", agent, json.dumps(
        {"agent": agent, "url": place.agent_url, "status": "unhealthy", "detail": "", "version": "", "latency_ms": 1,
         "checked_ms": checked, "since_ms": since})) for agent, checked, since in (
        ("nlp", 9e999, 1), ("data", 9 * 10**15, 1), ("viz", 9 * 10**12, [1]))],
    "health nested too deep": put("HSET", "baton:health", "nlp", "[" * 100_000),
    "health of another type": put("SET", "baton:health", "x"),
    "figures out of shape": put("HSET", "baton:metrics", "rubbish", "x", b"\xff", "-1", "workflows:X", "1e999"),
    "marks out of shape": put("HSET", "baton:queue-marks", "agents.nlp", "rubbish", "agents.data", "x"),
    "looks out of shape": put("HSET", "baton:look", "last_ms", "rubbish", "quiet_until_ms", "x"),
    "streams out of shape": lambda place: [place.client.xadd(stream, {"a": b"\xff", "data": "{"}) for stream in (
        "baton:breaker-events", "baton:audit", "baton:audit:refused", "baton:health-changes",
        "baton:metrics:minutes", "baton:metrics:hours")],
    "a rollout out of shape": lambda place: [
        place.client.hset("baton:rollout", mapping={
            "share": "much", "phase": b"\xff", "version": "-1", "since_ms": "x"}),
        place.client.xadd("baton:rollout:events", {"a": b"\xff", "share": "nan"})],
    "a rollout of another type": put("SET", "baton:rollout", "x"),
    "workers out of shape": put("ZADD", "baton:workers", "inf", b"\xff\xfe", 9e15, "x" * 10_000),
    "a last good answer that is none": lambda place: [
        place.client.set(f"baton:last-good:{one}", text) for one in ("nlp:x", "data:x") for text in ("rubbish", "|")],
    "wrong types": lambda place: [place.client.set(key, "x") for key in (
        "baton:audit", "baton:health", "baton:breaker-events", "baton:workers", "baton:health-changes")],
}


@pytest.mark.parametrize("name", VANDALS)
def test_nothing_runs_and_the_next_question_is_answered(place: Place, name: str) -> None:
    VANDALS[name](place)
    assert place.ask(f"after {name}") == "SUCCEEDED"
    assert place.worker.status == "running"
    assert place.api.status == "running"
    assert not place.loot.exists()
    for path in ("/workflows", "/agents", "/dashboard", "/api/workflow", "/api/audit", "/metrics", "/health/live"):
        reply = requests.get(place.api.url + path, timeout=LIMIT_S)
        assert "Traceback" not in reply.text
        # A page that cannot read what it shows says that the store is away; the API says that it is a fault of ours.
        assert reply.status_code < 500 or reply.status_code == 503 or "recovery_action" in reply.text, path


@pytest.mark.parametrize("name", [name for name in VANDALS if name.startswith("a rollout")])
def test_who_looks_at_the_rollout_sees_it(place: Place, name: str) -> None:
    VANDALS[name](place)
    for path in ("/dashboard", "/api/rollout", "/metrics"):
        reply = requests.get(place.api.url + path, timeout=LIMIT_S)
        assert reply.status_code == 200, (path, reply.text)


@pytest.mark.parametrize("name", [name for name in VANDALS if name.startswith(("a breaker", "health"))])
def test_who_looks_at_the_agents_sees_them(place: Place, name: str) -> None:
    VANDALS[name](place)
    for path in ("/agents", "/api/circuit-breakers/status", "/api/health/agents", "/metrics"):
        reply = requests.get(place.api.url + path, timeout=LIMIT_S)
        assert reply.status_code == 200, (path, reply.text)


def test_the_next_look_at_an_agent_makes_room_for_what_it_saw(place: Place) -> None:
    for key in ("baton:health", "baton:health-changes"):
        place.client.set(key, "x")
    place.client.lpush("baton", message(b'[["nlp"], {}, {}]', task="health.check"))
    wait_for(lambda: place.client.xlen("baton:health-changes") if place.client.type("baton:health-changes") == "stream"
             else 0, "the change to be told", LIMIT_S)
    seen = requests.get(f"{place.api.url}/api/health/agents", timeout=LIMIT_S).json()["agents"]
    assert seen["nlp"]["status"] != "unknown"
    assert seen["data"]["status"] == "unknown"
