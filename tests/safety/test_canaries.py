"""Canaries: the whole system is started with marked secrets, used, hurt and asked; nothing it says or keeps has one."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest
import redis
import requests

from api.access.keys import add_key, new_key
from api.access.roles import Role
from core.settings import ROOT
from deploy import probe
from deploy.local import readiness
from tests.chaos.arena import LocalApi, LocalBeat
from tests.collector import collecting
from tests.integration.test_exposed import LocalFlower
from tests.processes import LocalAgent, LocalProcess, LocalValkey, LocalWorker, free_ports, wait_for

SECRETS = ("store", "agent", "flower", "otlp", "url", "refused")
STORE, AGENT, FLOWER, OTLP, URL, REFUSED = (f"canary-{name}-4f1d" for name in SECRETS)
LIMIT_S = 30.0
REASONS = {"a dead port": "Connection refused", "a wrong password": "invalid username-password pair"}


@dataclass
class Place:
    """The processes, what they were told, and all that was seen of them."""

    valkey: LocalValkey
    processes: dict[str, LocalProcess]
    environment: dict[str, str]
    secrets: dict[str, str]
    key: str
    client: Any
    seen: dict[str, str]

    def see(self, what: str, text: str) -> None:
        self.seen[what] = self.seen.get(what, "") + text

    def get(self, url: str, **more: Any) -> None:
        reply = requests.get(url, timeout=LIMIT_S, **more)
        self.see(f"GET {url}", f"{reply.headers}{reply.text}")


class GuardedValkey(LocalValkey):
    """One that asks for a password, which stands in a file: an argument could be read by everybody."""

    def __init__(self, folder: Path) -> None:
        rules = folder / "users.acl"
        rules.write_text(f"user default on >{STORE} ~* &* +@all\n")
        super().__init__(folder, "--aclfile", str(rules))
        self.url = f"redis://:{STORE}@127.0.0.1:{self.port}/0"
        self._client = redis.Redis.from_url(self.url, decode_responses=True)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("canaries")
    (folder / "valkey").mkdir()
    file = folder / "keys"
    key, presented = new_key("ann", Role.ADMIN)
    add_key(file, key)
    processes: dict[str, LocalProcess] = {}
    with collecting() as collector:
        environment = {"API_KEYS_FILE": str(file), "API_KEY": presented, "AGENT_KEY": AGENT, "LOG_LEVEL": "DEBUG",
                       "FLOWER_BASIC_AUTH": f"ann:{FLOWER}", "OTLP_ENDPOINT": collector.url, "DATA": "",
                       "OTEL_EXPORTER_OTLP_HEADERS": f"authorization={OTLP}", "NLP_MAX_ATTEMPTS": "1",
                       "DATA_MAX_ATTEMPTS": "1", "DATA_TIMEOUT_S": "3"}
        try:
            processes["valkey"] = valkey = GuardedValkey(folder / "valkey")
            valkey.ready()
            environment["REDIS_URL"] = valkey.url
            agents = {name: LocalAgent(name, folder, environment) for name in ("nlp", "data", "viz")}
            environment |= {f"{name.upper()}_AGENT_URL": one.url for name, one in agents.items()}
            processes |= {**agents, "worker": LocalWorker(folder, environment), "api": LocalApi(folder, environment),
                          "beat": LocalBeat(folder, environment), "flower": LocalFlower(folder, environment)}
            for one in processes.values():
                one.ready()
            secrets = {"STORE": STORE, "AGENT_KEY": AGENT, "FLOWER": FLOWER, "OTLP": OTLP, "URL": URL,
                       "REFUSED": REFUSED, "API_KEY": presented.partition(".")[2]}
            here = Place(valkey, processes, environment, secrets, presented, valkey.client, {})
            live(here)
            refused(here, folder)
            wait_for(lambda: collector.spans, "the traces", LIMIT_S)
            here.see("traces", repr(collector.spans))
            yield here
        finally:
            for one in reversed(list(processes.values())):
                one.discard()


def live(place: Place) -> None:
    """A day in its life: questions, refusals, an agent that is down, a store that is away, a start that fails."""
    api: Any = place.processes["api"]
    flower: Any = place.processes["flower"]
    worker: Any = place.processes["worker"]
    bearer = {"Authorization": f"Bearer {place.key}"}

    def ask(question: str) -> None:
        reply = requests.post(f"{api.url}/api/query", json={"query": question}, headers=bearer, timeout=LIMIT_S)
        place.see("answers", f"{reply.headers}{reply.text}")

    ask("average departure delay by carrier")
    place.get(f"{api.url}/api/workflow", headers={"Authorization": f"Bearer ann.{place.secrets['API_KEY']}x"})
    place.processes["data"].kill()
    ask("how many flights are there")
    session = requests.Session()
    session.post(f"{api.url}/login", data={"key": place.key}, timeout=LIMIT_S)
    place.secrets["cookie"] = str(session.cookies["baton_login"])
    for path in ("/", "/workflows", "/agents", "/dashboard", "/metrics", "/health/ready?verbose", "/api/workflow",
                 "/api/audit", "/api/health/agents", "/api/openapi.json", "/api/nothing"):
        place.get(api.url + path, headers=bearer)
    for path in ("/tasks", "/workers", "/api/workers", "/api/tasks", "/broker", "/metrics", "/healthcheck"):
        place.get(flower.url + path, auth=("ann", FLOWER))
    page = f"{flower.url}/worker/{worker.hostname}"  # with all of its configuration
    wait_for(lambda: requests.get(page, auth=("ann", FLOWER), timeout=LIMIT_S).ok, "Flower to know the worker", LIMIT_S)
    place.get(page, auth=("ann", FLOWER))
    for one in place.processes.values():
        if one.process.poll() is None:
            for process in (psutil.Process(one.process.pid), *psutil.Process(one.process.pid).children(recursive=True)):
                place.see("arguments", " ".join(process.cmdline()) + process.name())
    wait_for(lambda: place.client.exists(probe.BEAT_LOCK), "beat to have been let in", LIMIT_S)
    place.see("store", stored(place.client))
    os.kill(place.valkey.process.pid, signal.SIGSTOP)
    try:
        place.get(f"{api.url}/health/ready?verbose", headers=bearer)
    finally:
        os.kill(place.valkey.process.pid, signal.SIGCONT)
    for what, module, more in (("doctor", "deploy.doctor", {}), ("celery's report", "celery -A tasks report", {}),
                               ("a start that fails", "api", {"API_PORT": "nonsense"}),
                               ("an agent with a password", "api", {"DATA_AGENT_URL": f"http://ann:{URL}@127.0.0.1:1",
                                                                    "API_PORT": str(free_ports(1)[0])})):
        place.see(what, run(module, {**place.environment, **more}))


def refused(place: Place, folder: Path) -> None:
    """Each kind of process, and the probes of `make run`, at a store that is not there and at one that lets none in."""
    ports = {"a dead port": 1, "a wrong password": place.valkey.port}
    started: list[LocalProcess] = []
    try:
        for port in ports.values():
            told = {**place.environment, "REDIS_URL": f"redis://:{REFUSED}@127.0.0.1:{port}/0"}
            started += [LocalWorker(folder, told), LocalBeat(folder, told), LocalApi(folder, told)]
        for number, what in enumerate(ports):
            see_refused(place, what, *started[3 * number:3 * number + 3])
    finally:
        for process in started:
            process.discard()


def see_refused(place: Place, what: str, worker: LocalProcess, beat: LocalProcess, api: Any) -> None:
    """What they say once they have noticed."""
    for missing in (readiness.store, readiness.worker, readiness.beat):
        place.see(f"probes at {what}", missing(worker.environment["REDIS_URL"]))
    for one in (worker, beat):
        wait_for(lambda one=one: REASONS[what] in one.logs(), f"{one.name} to notice {what}", LIMIT_S)
    api.ready()
    place.get(f"{api.url}/health/ready?verbose", headers={"Authorization": f"Bearer {place.key}"})
    place.see(f"logs at {what}", "".join(one.logs() for one in (worker, beat, api)))


def run(module: str, environment: dict[str, str]) -> str:
    done = subprocess.run([sys.executable, "-m", *module.split()], cwd=ROOT, env={**os.environ, **environment},
                          text=True, capture_output=True, timeout=60, check=False)
    return done.stdout + done.stderr


def stored(client: Any) -> str:
    """Every key of the store with what it holds, as text."""
    readers = {"string": client.get, "hash": client.hgetall, "list": lambda key: client.lrange(key, 0, -1),
               "set": client.smembers, "zset": lambda key: client.zrange(key, 0, -1, withscores=True),
               "stream": client.xrange, "none": str}  # the last: gone meanwhile
    binary = redis.Redis(connection_pool=client.connection_pool)
    return json.dumps({str(key): repr(readers[binary.type(key)](key)) for key in client.scan_iter(count=1_000)
                       if not str(key).endswith(":out")})


def test_it_was_seen_at_all(place: Place) -> None:
    """The eyes are open: each source says something, and a canary that is laid out would be found."""
    wait_for(lambda: "step_begun" in place.processes["worker"].logs(), "the worker's log")
    for what in ("answers", "traces", "arguments", "store", "doctor", "a start that fails", "an agent with a password"):
        assert len(place.seen[what]) > 40, what
    pages = [text for what, text in place.seen.items() if "/worker/" in what]
    assert all("redbeat_redis_url" in text for text in (place.seen["celery's report"], *pages))
    assert pages
    for what, reason in REASONS.items():
        assert place.seen[f"probes at {what}"].count(reason) == 3
        assert reason in place.seen[f"logs at {what}"]
    assert "baton:login:" in place.seen["store"]
    assert "celery" in place.seen["arguments"]


@pytest.mark.parametrize("name", ["STORE", "AGENT_KEY", "FLOWER", "OTLP", "URL", "REFUSED", "API_KEY", "cookie"])
def test_nothing_it_says_or_keeps_has_a_secret(place: Place, name: str) -> None:
    secret = place.secrets[name]
    shown = {**place.seen, **{f"log of {one}": process.logs() for one, process in place.processes.items()}}
    assert [what for what, text in shown.items() if secret in text] == []
