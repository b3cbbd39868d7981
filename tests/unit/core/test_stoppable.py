"""Calls that another thread stops: while they connect, while they wait, while they read; and nobody else's call."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace

import pytest

from agents.client import CallHeaders, call_agent
from agents.errors import AgentTimeout, AgentUnavailable
from agents.registry import AgentSpec, get_registry
from core.stoppable import CallStopped, StoppableCall, stop, stoppable
from tests.hanging_agent import HangingAgent
from tests.processes import wait_for

PATIENCE_S = 5.0  # far above what a stop takes, and below the time limit of a call


@pytest.fixture(scope="module")
def hanging() -> Iterator[HangingAgent]:
    with HangingAgent().serving() as agent:
        yield agent


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as pool:
        yield pool


def nlp(url: str) -> AgentSpec:
    return replace(get_registry()["nlp"], url=url)


def call(agent: AgentSpec, name: str, time_left_s: float = 30.0) -> object:
    with stoppable(name):
        return call_agent(agent, {"query": "?"}, CallHeaders(name, "nlp", 0, 1), time_left_s)


def stopped(running: "Future[object]", name: str) -> float:
    """Stop it, and how long it took to end."""
    began = time.monotonic()
    assert stop(name)
    with pytest.raises(CallStopped):
        running.result(PATIENCE_S)
    return time.monotonic() - began


@pytest.mark.parametrize("speaks", [False, True], ids=["no answer yet", "half an answer"])
def test_a_call_that_waits_ends_at_once_and_hangs_up(
    hanging: HangingAgent, threads: ThreadPoolExecutor, *, speaks: bool
) -> None:
    hanging.speaks, name = speaks, f"waits {speaks}"
    running = threads.submit(call, nlp(hanging.url), name)
    wait_for(lambda: hanging.calls[name], "the call", PATIENCE_S)
    assert stopped(running, name) < 1.0
    wait_for(lambda: name in hanging.closed_at, "the agent to see the end", PATIENCE_S)
    assert not stop(name)


def test_a_call_that_connects_ends_at_once(threads: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch) -> None:
    connecting = watched(StoppableCall.waits_on, monkeypatch)
    with closing(socket.socket()) as listener, closing(socket.socket()) as first:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)  # its queue is full with one: who comes next is not answered
        first.connect(listener.getsockname())
        running = threads.submit(call, nlp(f"http://127.0.0.1:{listener.getsockname()[1]}"), "connects")
        assert connecting.wait(PATIENCE_S)
        assert stopped(running, "connects") < 1.0


def watched(method: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    seen = threading.Event()

    def told(*args: object) -> None:
        method(*args)
        seen.set()

    monkeypatch.setattr(StoppableCall, method.__name__, told)
    return seen


def test_a_call_that_was_stopped_before_it_connects_does_not(hanging: HangingAgent) -> None:
    with stoppable("early"):
        assert stop("early")
        with pytest.raises(CallStopped):
            call_agent(nlp(hanging.url), {}, CallHeaders("early", "nlp", 0, 1), 30.0)
    assert hanging.calls["early"] == 0


def test_a_call_that_ended_stops_nobody_who_uses_its_connection_now() -> None:
    class Connection:
        held_by: StoppableCall | None = None

    ours, peer = socket.socketpair()
    with closing(ours), closing(peer):
        connection, first, second = Connection(), StoppableCall(), StoppableCall()
        first.waits_on(connection, ours)
        second.waits_on(connection, ours)
        first.stop()
        peer.settimeout(0.05)
        with pytest.raises(TimeoutError):
            peer.recv(1)
        second.stop()
        assert peer.recv(1) == b""


def test_errors_of_calls_that_nobody_stopped_are_as_ever(hanging: HangingAgent) -> None:
    hanging.speaks = False
    with pytest.raises(AgentTimeout):
        call(nlp(hanging.url), "too slow", 0.1)
    with closing(socket.socket()) as nobody:
        nobody.bind(("127.0.0.1", 0))
        with pytest.raises(AgentUnavailable, match=r"\(ConnectionError\)"):
            call(nlp(f"http://127.0.0.1:{nobody.getsockname()[1]}"), "refused")
    with pytest.raises(AgentUnavailable):
        call(nlp("http://no-such-host.invalid"), "no such host")
