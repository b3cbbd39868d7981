"""The fault-injecting proxy over real sockets: each fault is the error the contract names, and all else passes."""

import http.client
import json
import os
import signal
import socket
import statistics
import struct
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import groupby
from typing import Any
from urllib.parse import urlsplit

import psutil
import pytest
import requests

from agents.client import CallHeaders, call_agent
from agents.contract import DataResult, NlpResult, VizResult
from agents.errors import (
    AgentCrashed,
    AgentError,
    AgentRefused,
    AgentTimeout,
    AgentUnavailable,
    InvalidResponse,
    RateLimited,
    Rejected,
)
from agents.registry import AgentSpec, RetryPolicy
from tests.chaos.arena import ScriptedAgentProcess
from tests.faults_process import LocalFaults
from tests.processes import AGENTS, LocalProcess, answers, free_ports, gone, wait_for
from tests.scripted_agent import STANDARD, Reply, ScriptedAgent

PATHS = {"nlp": "/process", "data": "/execute", "viz": "/visualize"}


@pytest.fixture(scope="module")
def scripted() -> Iterator[ScriptedAgent]:
    with ScriptedAgent(STANDARD).serving() as agent:
        yield agent


@pytest.fixture(scope="module")
def running(scripted: ScriptedAgent, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalFaults]:
    proxy = LocalFaults(tmp_path_factory.mktemp("faults"), dict.fromkeys(AGENTS, scripted.url))
    try:
        proxy.ready()
        yield proxy
    finally:
        proxy.teardown()


@pytest.fixture
def faults(running: LocalFaults, scripted: ScriptedAgent) -> Iterator[LocalFaults]:
    scripted.reset(STANDARD)
    yield running
    running.clear()


def ask(faults: LocalFaults, agent: str = "nlp", *, query: str = "q", workflow: str = "a" * 32,
        time_left_s: float = 10.0) -> NlpResult | DataResult | VizResult:
    spec = AgentSpec(agent, faults.urls[agent], PATHS[agent], 30.0, RetryPolicy(1, 1, 1))
    return call_agent(spec, {"query": query}, CallHeaders(workflow, agent, 0, 1), time_left_s)


@contextmanager
def wire(faults: LocalFaults, agent: str = "nlp") -> Iterator[socket.socket]:
    """A bare connection to the proxy."""
    parts = urlsplit(faults.urls[agent])
    with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=10) as connection:
        yield connection


@contextmanager
def keeping(faults: LocalFaults, agent: str = "nlp") -> Iterator[http.client.HTTPConnection]:
    """A client that keeps its one connection."""
    client = http.client.HTTPConnection(urlsplit(faults.urls[agent]).netloc, timeout=10)
    try:
        yield client
    finally:
        client.close()


def counted(faults: LocalFaults, agent: str = "nlp", kind: str = "calls") -> dict[str, Any]:
    return faults.counters()[agent][kind]


@contextmanager
def counting(faults: LocalFaults, agent: str = "nlp") -> Iterator[dict[str, int]]:
    """What was counted within the block, by outcome and by fault; filled at its end."""
    def flat() -> Counter[str]:
        told = counted(faults, agent)
        return Counter({**told["faults"], **{name: n for name, n in told.items() if name != "faults"}})

    before, found = flat(), {}
    yield found
    found.update(flat() - before)


@pytest.mark.parametrize("agent", AGENTS)
def test_without_rules_every_agent_answers_as_it_does(faults, scripted, agent) -> None:
    with counting(faults, agent) as seen:
        ask(faults, agent)
    assert seen == {"total": 1, "forwarded": 1}
    (call,) = scripted.calls_of(PATHS[agent])
    assert call.headers["Idempotency-Key"] == f"{'a' * 32}:{agent}:0"
    assert call.headers["Host"] == urlsplit(scripted.url).netloc


@pytest.mark.parametrize(("rule", "kind"), [
    ({"fault": "error", "status": 500}, AgentCrashed),
    ({"fault": "error", "status": 599, "body": "html"}, AgentCrashed),
    ({"fault": "error", "status": 502, "body": "html"}, AgentUnavailable),
    ({"fault": "error", "status": 503, "body": "none"}, AgentUnavailable),
    ({"fault": "error", "status": 504}, AgentUnavailable),
    ({"fault": "error", "status": 200}, AgentRefused),
    ({"fault": "error", "status": 422}, Rejected),
    ({"fault": "error", "status": 302, "body": "none"}, Rejected),
    ({"fault": "reset"}, AgentUnavailable),
    ({"fault": "reset", "at": "answer"}, AgentUnavailable),
    ({"fault": "reset", "at": "body"}, AgentUnavailable),
    ({"fault": "garbage", "garbage": "not_json"}, InvalidResponse),
    ({"fault": "garbage", "garbage": "truncated"}, InvalidResponse),
    ({"fault": "garbage", "garbage": "wrong_dialect"}, InvalidResponse),
    ({"fault": "garbage", "garbage": "too_large"}, InvalidResponse),
    ({"fault": "rate_limit"}, RateLimited),
    ({"fault": "hang"}, AgentTimeout),
    ({"fault": "latency", "delay_s": 5}, AgentTimeout),
    ({"fault": "slow_body", "chunk_bytes": 1, "pause_s": 0.05}, AgentTimeout),
])
@pytest.mark.parametrize("agent", AGENTS)
def test_each_fault_is_the_error_of_the_contract(faults, agent, rule, kind) -> None:
    faults.rule(agent, **rule)
    limit_s = 1.0 if kind is AgentTimeout else 10.0
    with counting(faults, agent) as seen, pytest.raises(kind) as caught:
        ask(faults, agent, time_left_s=limit_s)
    assert type(caught.value) is kind
    assert seen["total"] == seen[rule["fault"]] == 1


def test_an_injected_error_carries_its_words(faults) -> None:
    faults.rule("nlp", fault="error", status=422, error_type="question_not_understood", message="What?",
                recovery_action="rephrase", suggestions=["Say more."])
    with pytest.raises(Rejected) as caught:
        ask(faults)
    assert caught.value.described() == {"error_type": "question_not_understood", "message": "What?",
                                        "recovery_action": "rephrase", "suggestions": ["Say more."]}


@pytest.mark.parametrize(("rule", "low_s", "high_s"), [
    ({"retry_after_s": 7}, 7, 7), ({"retry_after_s": 0.25}, 0.25, 0.25),
    ({"retry_after_s": 60, "as_date": True}, 57, 61)])
def test_retry_after_arrives(faults, rule, low_s, high_s) -> None:
    faults.rule("nlp", fault="rate_limit", **rule)
    with pytest.raises(RateLimited) as caught:
        ask(faults)
    assert low_s <= caught.value.retry_after_s <= high_s


def all_of(connection: socket.socket) -> tuple[bytes, type[OSError] | None]:
    """What comes until the end, and the error that ended it (None: an orderly end)."""
    received = b""
    try:
        while data := connection.recv(65_536):
            received += data
    except OSError as error:
        return received, type(error)
    return received, None


@pytest.mark.parametrize(("at", "reached"), [("request", 0), ("answer", 1), ("body", 1)])
def test_a_reset_is_a_reset_on_the_wire(faults, scripted, at, reached) -> None:
    faults.rule("nlp", fault="reset", at=at)
    with wire(faults) as connection:
        connection.sendall(b"POST /process HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}")
        received, ended_by = all_of(connection)
    assert ended_by is ConnectionResetError
    assert (b" 200 " in received) is (at == "body")
    assert len(scripted.calls) == reached


def test_a_hang_ends_when_the_caller_leaves_and_nobody_else_waits(faults, scripted) -> None:
    faults.rule("nlp", fault="hang", contains="stuck")
    with pytest.raises(AgentTimeout):
        ask(faults, query="stuck", time_left_s=1.0)
    ask(faults, query="free")
    assert len(scripted.calls) == 1


def test_a_caller_who_leaves_during_a_delay_is_counted_and_asks_no_agent(faults, scripted) -> None:
    faults.rule("nlp", fault="latency", delay_s=30)
    before = counted(faults)["left"]
    with counting(faults) as seen:
        with pytest.raises(AgentTimeout):
            ask(faults, time_left_s=1.0)
        wait_for(lambda: counted(faults)["left"] > before, "the caller to be missed", 5)
    assert (seen, scripted.calls) == ({"total": 1, "left": 1, "latency": 1}, [])


def test_an_agent_learns_that_the_caller_has_left(tmp_path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(10)
        proxy = LocalFaults(tmp_path, {"nlp": f"http://127.0.0.1:{listener.getsockname()[1]}"})
        try:
            proxy.ready()
            with pytest.raises(AgentTimeout):
                ask(proxy, time_left_s=1.0)
            agent, _ = listener.accept()
            with agent:
                agent.settimeout(10)
                while agent.recv(65_536):
                    pass  # the request, then the end
        finally:
            proxy.teardown()


def test_latency_delays_the_call_and_then_lets_it_pass(faults) -> None:
    faults.rule("nlp", fault="latency", delay_s=0.3)
    began = time.monotonic()
    ask(faults)
    assert 0.3 <= time.monotonic() - began < 2


def test_drawn_latencies_differ_and_stay_in_their_bounds(faults) -> None:
    faults.rule("nlp", fault="latency", delay_s={"low_s": 0.01, "high_s": 0.06})
    took = []
    for _ in range(20):
        began = time.monotonic()
        ask(faults)
        took.append(time.monotonic() - began)
    assert min(took) >= 0.01
    assert statistics.stdev(took) > 0.003


def test_a_slow_body_is_the_agent_s_own_answer(faults) -> None:
    faults.rule("nlp", fault="slow_body", chunk_bytes=20, pause_s=0.02)
    began = time.monotonic()
    slow = ask(faults)
    assert time.monotonic() - began > 0.02 * (len(json.dumps(STANDARD["/process"])) // 20)
    faults.clear()
    assert slow == ask(faults)


def test_a_poison_question_fails_alone(faults, scripted) -> None:
    faults.rule("nlp", fault="error", status=500, contains="poison")
    for query, fails in [("water", False), ("some POISON", True), ("bread", False)]:
        if fails:
            with pytest.raises(AgentCrashed):
                ask(faults, query=query)
        else:
            ask(faults, query=query)
    assert [call.body["query"] for call in scripted.calls] == ["water", "bread"]


def test_a_rule_for_one_workflow_only(faults) -> None:
    faults.rule("nlp", fault="error", headers={"X-Workflow-Id": "b" * 32})
    ask(faults)
    with pytest.raises(AgentCrashed):
        ask(faults, workflow="b" * 32)


def test_each_agent_has_rules_of_its_own(faults) -> None:
    faults.rule("data", fault="error", status=503)
    ask(faults, "nlp")
    ask(faults, "viz")
    with pytest.raises(AgentUnavailable):
        ask(faults, "data")


def test_health_passes_unless_the_rule_says_it_is_hit_too(faults, scripted) -> None:
    def health() -> int:
        return requests.get(f"{faults.urls['nlp']}/health", timeout=10).status_code

    before = counted(faults, kind="health")["total"]
    faults.rule("nlp", fault="error", status=503)
    assert health() == 200
    faults.clear()
    faults.rule("nlp", fault="error", status=503, hits="health")
    assert health() == 503
    ask(faults)
    assert counted(faults, kind="health")["total"] == before + 2


def test_a_schedule_begins_and_ends_by_itself(faults) -> None:
    before_put = time.monotonic()
    faults.rule("nlp", fault="error", status=503, from_s=0.4, for_s=0.5)
    after_put = time.monotonic()
    seen = []
    while (began := time.monotonic()) < after_put + 1.4:
        seen.append((began, fails_with(AgentUnavailable, faults), time.monotonic()))
    outage = [(began, ended) for began, failed, ended in seen if failed]
    assert outage[0][1] - before_put >= 0.4
    assert outage[-1][0] - after_put <= 0.9
    assert [failed for failed, _ in groupby(failed for _, failed, _ in seen)] == [False, True, False]


def fails_with(kind: type[AgentError], faults: LocalFaults) -> bool:
    try:
        ask(faults)
    except kind:
        return True
    return False


def many(faults: LocalFaults, count: int) -> Counter[str]:
    """`count` calls at once, by how they end."""
    together = threading.Barrier(count)

    def one(number: int) -> str:
        together.wait()
        try:
            return type(ask(faults, query=str(number), workflow=f"{number:032}")).__name__
        except AgentUnavailable as error:
            return type(error).__name__

    with ThreadPoolExecutor(count) as pool:
        return Counter(pool.map(one, range(count)))


@pytest.fixture
def nlp_process(tmp_path) -> Iterator[ScriptedAgentProcess]:
    """An agent that takes hundreds of calls at once."""
    agent = ScriptedAgentProcess("nlp", tmp_path, 1, 0.0, 0.0, 0.0)
    try:
        agent.ready()
        yield agent
    finally:
        agent.teardown()


def test_200_calls_at_once_in_a_partial_outage(tmp_path, nlp_process) -> None:
    proxy = LocalFaults(tmp_path, {"nlp": nlp_process.url})
    try:
        proxy.ready()
        proxy.rule("nlp", fault="latency", delay_s=0.3)
        proxy.rule("nlp", fault="error", status=503, share=0.3, seed=5)
        ends = many(proxy, 200)
        seen, lines = counted(proxy), proxy.calls()
    finally:
        proxy.teardown()
    assert ends == {"NlpResult": seen["forwarded"], "AgentUnavailable": seen["injected"]}
    assert seen["faults"] == {"latency": 200, "error": seen["injected"]}
    assert seen["total"] == seen["forwarded"] + seen["injected"] == 200
    assert 30 <= seen["injected"] <= 90
    reached = [json.loads(line)["X-Workflow-Id"] for line in (tmp_path / "calls.jsonl").read_text().splitlines()]
    assert sorted(reached) == sorted(line["X-Workflow-Id"] for line in lines if line["outcome"] == "forwarded")


class Asker(threading.Thread):
    """Asks without a pause; `seen` has the calls that began and ended within one setting, and whether they failed."""

    setting = (0, 0)  # how often the rules were switched: counted before, and after
    stop = threading.Event()

    def __init__(self, faults: LocalFaults) -> None:
        super().__init__()
        self._faults, self.seen = faults, []

    def run(self) -> None:
        while not self.stop.is_set():
            _, before = Asker.setting
            failed = fails_with(AgentCrashed, self._faults)
            if Asker.setting == (before, before):
                self.seen.append((before, failed))


def test_rules_switched_while_calls_run(faults) -> None:
    askers = [Asker(faults) for _ in range(8)]
    for asker in askers:
        asker.start()
    try:
        for switched in range(1, 21):
            Asker.setting = (switched, switched - 1)
            if switched % 2:
                faults.rule("nlp", fault="error")
            else:
                faults.clear()
            Asker.setting = (switched, switched)
            wait_for(lambda: all(one.seen and one.seen[-1][0] == Asker.setting[0] for one in askers), "calls", 10)
    finally:
        Asker.stop.set()
        for asker in askers:
            asker.join()
    seen = [call for asker in askers for call in asker.seen]
    assert {setting for setting, _ in seen} >= set(range(1, 21))
    assert [call for call in seen if call[1] != call[0] % 2] == []


def test_one_connection_serves_calls_that_pass_and_calls_that_do_not(faults, scripted) -> None:
    faults.rule("nlp", fault="error", status=503, contains="bad")
    with keeping(faults) as client:
        client.connect()
        mine = client.sock.getsockname()
        found = []
        for question in ["good", "bad", "good", "bad", "good"]:
            client.request("POST", "/process", json.dumps({"query": question}))
            answer = client.getresponse()
            answer.read()
            found.append(answer.status)
        assert found == [200, 503, 200, 503, 200]
        assert client.sock.getsockname() == mine


def test_bodies_of_megabytes_pass_unaltered_both_ways(faults, scripted) -> None:
    filler = os.urandom(3_000_000).hex()
    scripted.script("/process", Reply({"sql_query": "SELECT 1", "chart_html": filler}))
    answer = requests.post(f"{faults.urls['nlp']}/process", json={"query": "q", "filler": filler}, timeout=30)
    assert answer.json()["chart_html"] == filler
    assert scripted.calls[0].body["filler"] == filler


def test_a_large_body_that_a_rule_looks_at_passes_unaltered(faults, scripted) -> None:
    faults.rule("nlp", fault="error", contains="poison")
    filler = os.urandom(500_000).hex()
    requests.post(f"{faults.urls['nlp']}/process", json={"query": filler}, timeout=30).raise_for_status()
    assert scripted.calls[0].body["query"] == filler


class Echo:
    """An agent on a bare socket: it reads what ends with `until`, answers `reply`, lingers, and hangs up."""

    def __init__(self, until: bytes, reply: bytes, lingers_s: float = 0.0, *, resets: bool = False) -> None:
        self._lingers_s, self._resets = lingers_s, resets
        self.received: list[bytes] = []
        self._until, self._reply = until, reply
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self) -> "Echo":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection:
                received = b""
                while not received.endswith(self._until):
                    received += connection.recv(65_536)
                self.received.append(received)
                connection.sendall(self._reply)
                time.sleep(self._lingers_s)
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", self._resets, 0))


CHUNKS = b"3\r\n{ }\r\n0\r\nX-Trailer: t\r\n\r\n"
CHUNKED_CALL = b"POST /process HTTP/1.1\r\nhOst: x\r\nX-ODD:  v\r\nTransfer-Encoding: chunked\r\n\r\n" + CHUNKS


@pytest.mark.parametrize("looked_at", [False, True])
@pytest.mark.parametrize("reply", [
    b"HTTP/1.1 200 Fine\r\nx-a: 1\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n" + CHUNKS,
    b"HTTP/1.1 200 OK\r\n\r\nuntil the end",
    b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}",
    b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 204 Nothing\r\nConnection: close\r\n\r\n",
])
def test_messages_pass_byte_by_byte(tmp_path, reply, looked_at) -> None:
    with Echo(b"0\r\nX-Trailer: t\r\n\r\n", reply) as echo:
        proxy = LocalFaults(tmp_path, {"nlp": f"{echo.url}/below"})
        try:
            proxy.ready()
            if looked_at:
                proxy.rule("nlp", fault="error", contains="poison")
            with wire(proxy) as connection:
                connection.sendall(CHUNKED_CALL)
                received, ended_by = all_of(connection)
        finally:
            proxy.teardown()
    assert (received, ended_by) == (reply, None)
    netloc = urlsplit(echo.url).netloc.encode()
    assert echo.received == [CHUNKED_CALL.replace(b"hOst: x", b"Host: " + netloc).replace(b" /", b" /below/", 1)]


PLAIN_CALL = b'POST /process HTTP/1.1\r\nContent-Length: 9\r\n\r\n"%-5b"\r\n'
PLAIN_REPLY = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


def test_an_idle_connection_that_the_agent_ends_is_ended_for_the_client(tmp_path) -> None:
    with Echo(b'"\r\n', PLAIN_REPLY, lingers_s=0.3) as echo:
        proxy = LocalFaults(tmp_path, {"nlp": echo.url})
        try:
            proxy.ready()
            with wire(proxy) as connection:
                connection.sendall(PLAIN_CALL % b"first")
                assert all_of(connection) == (PLAIN_REPLY, None)
        finally:
            proxy.teardown()


@pytest.mark.parametrize("resets", [False, True])
def test_an_agent_that_ends_its_connection_during_a_delay_is_asked_on_a_new_one(tmp_path, resets) -> None:
    with Echo(b'"\r\n', PLAIN_REPLY, lingers_s=0.3, resets=resets) as echo:
        proxy = LocalFaults(tmp_path, {"nlp": echo.url})
        try:
            proxy.ready()
            proxy.rule("nlp", fault="latency", delay_s=0.8, contains="late")
            with wire(proxy) as connection:
                connection.sendall(PLAIN_CALL % b"first" + PLAIN_CALL % b"late")
                assert all_of(connection) == (PLAIN_REPLY * 2, None)
        finally:
            proxy.teardown()
    assert len(echo.received) == 2


def test_an_agent_that_is_not_there_is_not_there(tmp_path) -> None:
    (port,) = free_ports(1)
    proxy = LocalFaults(tmp_path, {"nlp": f"http://127.0.0.1:{port}"})
    try:
        proxy.ready()
        with counting(proxy) as seen, pytest.raises(AgentUnavailable):
            ask(proxy)
        assert seen == {"total": 1, "unreachable": 1}
        with wire(proxy) as connection:
            connection.sendall(b"POST /process HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}")
            with pytest.raises(ConnectionResetError):
                connection.recv(1)
    finally:
        proxy.teardown()


def test_an_agent_that_hangs_up_in_the_middle(faults, scripted) -> None:
    scripted.script("/process", Reply(drop=True))
    with counting(faults) as seen, pytest.raises(AgentUnavailable):
        ask(faults)
    assert seen == {"total": 1, "unreachable": 1}


def test_what_is_not_http_is_refused(faults) -> None:
    with wire(faults) as connection:
        connection.sendall(b"hello\r\n\r\n")
        received, ended_by = all_of(connection)
    assert received.startswith(b"HTTP/1.1 400 ")
    assert ended_by is None


def test_each_call_is_a_line_of_the_log(faults) -> None:
    faults.rule("nlp", fault="error", status=503, contains="bad")
    ask(faults, query="good")
    with pytest.raises(AgentUnavailable):
        ask(faults, query="bad", workflow="c" * 32)
    good, bad = faults.calls()[-2:]
    assert {name: bad[name] for name in ("agent", "method", "path", "X-Workflow-Id", "X-Step", "X-Attempt",
                                         "Idempotency-Key", "outcome", "faults", "status")} == {
        "agent": "nlp", "method": "POST", "path": "/process", "X-Workflow-Id": "c" * 32, "X-Step": "nlp",
        "X-Attempt": "1", "Idempotency-Key": f"{'c' * 32}:nlp:0", "outcome": "injected", "faults": ["error"],
        "status": 503}
    assert (good["outcome"], good["faults"], good["status"]) == ("forwarded", [], 200)
    assert good["at"] <= bad["at"]


def put(faults: LocalFaults, agent: str, body: str) -> requests.Response:
    """As curl sends it."""
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    return requests.put(f"{faults.control_url}/faults/{agent}", body, headers=form, timeout=10)


def test_rules_are_put_told_and_deleted(faults) -> None:
    rules = [{"fault": "latency", "delay_s": 0.1}, {"fault": "error", "status": 503, "share": 0.5}]
    assert put(faults, "viz", json.dumps(rules)).json()["rules"] == rules
    told = requests.get(f"{faults.control_url}/faults", timeout=10).json()
    assert {agent: told[agent]["rules"] for agent in AGENTS} == {"nlp": [], "data": [], "viz": rules}
    assert told["viz"]["url"] == faults.urls["viz"]
    assert requests.delete(f"{faults.control_url}/faults/viz", timeout=10).json()["rules"] == []


@pytest.mark.parametrize(("agent", "body", "status", "detail"), [
    ("nlp", "[{", 422, "JSON"),
    ("nlp", '{"fault": "hang"}', 422, "array"),
    ("nlp", '[{"fault": "hang"}, {"fault": "error", "status": 700}]', 422, "1.error.status"),
    ("nlp", '[{"fault": "hang", "shair": 1}]', 422, "0.hang.shair"),
    ("nobody", "[]", 404, "nlp, data, viz"),
])
def test_wrong_orders_are_problems_and_change_nothing(faults, agent, body, status, detail) -> None:
    faults.rule("nlp", fault="error", status=503)
    told = put(faults, agent, body)
    assert (told.status_code, told.headers["Content-Type"]) == (status, "application/problem+json")
    assert told.json()["status"] == status
    assert detail in told.json()["detail"]
    with pytest.raises(AgentUnavailable):
        ask(faults)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_well_also_while_calls_hang(tmp_path, scripted, number) -> None:
    proxy = LocalFaults(tmp_path, dict.fromkeys(AGENTS, scripted.url))
    proxy.ready()
    proxy.rule("nlp", fault="hang")
    with wire(proxy) as connection:
        connection.sendall(b"POST /process HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}")
        wait_for(lambda: counted(proxy)["injected"] == 1, "the call to hang", 10)
        began = time.monotonic()
        proxy.kill(number)
        assert time.monotonic() - began < 5
    assert proxy.process.returncode == 0
    assert "Traceback" not in proxy.logs()


def test_bundled_agents_that_nobody_serves_are_started_and_kept_up(tmp_path) -> None:
    ports = dict(zip(AGENTS, free_ports(3), strict=True))
    own = {"BATON_DIR": str(tmp_path), **{f"{agent.upper()}_PORT": str(port) for agent, port in ports.items()}}
    proxy = LocalFaults(tmp_path, {}, "--agents", environment=own)
    try:
        proxy.ready()
        for agent in AGENTS:
            wait_for(lambda url=proxy.urls[agent]: answers(f"{url}/health"), f"the {agent} agent")
        started = psutil.Process(proxy.process.pid).children(recursive=True)
        assert len(started) == 3
        viz = next(child for child in started if child.cmdline()[-1] == "agents.viz")
        viz.kill()
        wait_for(lambda: gone(viz.pid) and answers(f"{proxy.urls['viz']}/health"), "the viz agent to be back")
        started = psutil.Process(proxy.process.pid).children(recursive=True)
        proxy.kill(signal.SIGINT)
    finally:
        proxy.teardown()
    assert proxy.process.returncode == 0
    assert all(gone(child.pid) for child in started)


def test_an_agent_url_that_is_the_proxy_itself_means_the_bundled_agent(tmp_path) -> None:
    control, nlp, data, viz, bundled = free_ports(5)
    proxy = LocalFaults(tmp_path, {"nlp": f"http://localhost:{nlp}"}, "--ports", *map(str, [control, nlp, data, viz]),
                        environment={"NLP_PORT": str(bundled)})
    proxy.control_url = f"http://127.0.0.1:{control}"
    try:
        proxy.ready()
        told = requests.get(f"{proxy.control_url}/faults", timeout=10).json()
    finally:
        proxy.teardown()
    assert told["nlp"]["upstream"] == f"http://127.0.0.1:{bundled}"


def test_a_port_that_is_taken_is_told_in_one_line(tmp_path, faults) -> None:
    taken = urlsplit(faults.urls["nlp"]).port
    (free, *others) = free_ports(3)

    class Second(LocalProcess):
        def up(self) -> bool:
            return False

    second = Second([sys.executable, "-m", "faults", "--ports", str(free), str(taken), *map(str, others)], tmp_path)
    with pytest.raises(RuntimeError, match="ended with 1"):
        second.ready()
    assert f"Port {taken}: " in second.logs()
    assert "Traceback" not in second.logs()
