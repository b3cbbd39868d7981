"""Open streams of events: what a thousand of them cost one API process, and that each gets all of its own."""

import asyncio
import socket
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import quantiles
from typing import TypeVar, cast
from urllib.parse import urlsplit

import psutil

from core.valkey import sync_client
from pipeline.question import Question, accept, plan_workflow
from prove.proof import Figure, Kind, Part, Result, Run
from state import control, keys
from state.store import Store
from state.transition import new_token
from tests.chaos.arena import LocalApi
from tests.event_stream import EventStream
from tests.processes import LocalProcess, LocalValkey

STREAMS, STUCK, DROPS = 1_000, 100, 100
LIMIT_MB, HEARD_WITHIN_MS = 200.0, 2_000.0
HEARTBEATS, HEARTBEAT_S = 2, 15.0
Process = TypeVar("Process", bound=LocalProcess)
LONG = "x" * 2_000
KIB_PER_MB = 1_000_000 / 1024


class Scene:
    """A Valkey, one API process, and workflows in it that nobody works on."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        valkey = stack.enter_context(_running(LocalValkey(folder / "valkey")))
        self.api = stack.enter_context(_running(LocalApi(folder / "api", {"REDIS_URL": valkey.url})))
        self.port = urlsplit(self.api.url).port or 0
        self._client = sync_client(valkey.url)
        stack.callback(self._client.close)
        self.store = Store(self._client)

    def workflows(self, count: int) -> list[str]:
        """So many, just accepted."""
        found = [plan_workflow(Question("average departure delay by carrier")) for _ in range(count)]
        for workflow in found:
            self.store.run(accept(workflow, new_token()))
        return [workflow.workflow_id for workflow in found]

    def toggle(self, ids: Iterable[str], reason: str = "") -> None:
        """Two events each."""
        for one in ids:
            self.store.run(control.pause(one, actor="proof", reason=reason))
            self.store.run(control.resume(one, actor="proof", reason=reason, grace_ms=60_000))

    def end(self, ids: Iterable[str]) -> None:
        """Two events each, and no more."""
        for one in ids:
            self.store.run(control.cancel(one, actor="proof", reason="", ttl_s=3_600))

    def history(self, workflow_id: str) -> list[str]:
        """The ids of all events, in their order."""
        entries = cast("list[tuple[bytes, object]]", self._client.xrange(keys.events(workflow_id)))
        return [entry_id.decode() for entry_id, _ in entries]

    def memory_mb(self, what: str) -> float:
        """The API process's `VmRSS`, or at its highest so far, `VmHWM`."""
        lines = Path(f"/proc/{self.api.process.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith(f"{what}:")) / KIB_PER_MB

    def cpu_s(self) -> float:
        """Processor time the API process has used."""
        times = psutil.Process(self.api.process.pid).cpu_times()
        return float(times.user + times.system)


def open_streams(run: Run) -> Result:
    """Opened at once, idle for two heartbeats, then events for all of them at once, while some readers are stuck."""
    with ExitStack() as stack:
        scene = Scene(run.folder, stack)
        ids = scene.workflows(run.sized(STREAMS))
        before_mb = scene.memory_mb("VmRSS")
        return asyncio.run(_open_streams(run, scene, ids, before_mb))


async def _open_streams(run: Run, scene: Scene, ids: list[str], before_mb: float) -> Result:
    clients = [EventStream(scene.port, one) for one in ids]
    await asyncio.wait_for(asyncio.gather(*(client.open() for client in clients)), 60)
    await asyncio.wait_for(asyncio.gather(*(client.read(1) for client in clients)), 60)
    run.note(f"{len(clients)} streams are open")
    idle_mb, cpu_s, began = scene.memory_mb("VmRSS"), scene.cpu_s(), asyncio.get_running_loop().time()
    await asyncio.wait_for(asyncio.gather(*(client.beaten(HEARTBEATS) for client in clients)), 4 * HEARTBEAT_S)
    idle_share = (scene.cpu_s() - cpu_s) / (asyncio.get_running_loop().time() - began)
    run.note(f"each has beaten {HEARTBEATS} times")
    busy = scene.workflows(1)
    with _stuck(scene.port, busy[0], run.sized(STUCK)):
        reading = asyncio.gather(*(client.read() for client in clients))
        for happens in (scene.toggle, scene.toggle, scene.end):
            await asyncio.to_thread(scene.toggle, busy * run.sized(300), LONG)
            await asyncio.to_thread(happens, ids)
        await asyncio.wait_for(reading, 120)
    late_ms = [one.at_ms - int(one.event_id.partition("-")[0])
               for client in clients for one in client.received[1:] if one.event_id]
    whole = sum(client.ids == scene.history(client.workflow_id) for client in clients)
    return Result([
        Figure("memory of the API process with its streams, at its highest", scene.memory_mb("VmHWM"), "MB", LIMIT_MB),
        Figure("streams that got each event once and then their end", whole, "", len(clients), "higher"),
        Figure("heartbeats of the idle stream with the fewest", min(client.heartbeats for client in clients), "",
               HEARTBEATS, "higher"),
        Figure("from an event to its reader, p99", quantiles(late_ms, n=100)[98], "ms", HEARD_WITHIN_MS,
               kind=Kind.TARGET),
    ], {"streams": len(clients), "readers_that_did_not_read": run.sized(STUCK), "events_read": len(late_ms),
        "memory_without_streams_mb": round(before_mb, 1), "memory_idle_mb": round(idle_mb, 1),
        "cpu_share_idle": round(idle_share, 3)})


def drops(run: Run) -> Result:
    """Clients that each drop and come back, while things happen to the workflow they follow."""
    with ExitStack() as stack:
        scene = Scene(run.folder, stack)
        ids = scene.workflows(10)
        clients = asyncio.run(_drops(scene, [EventStream(scene.port, one) for one in ids], run.sized(DROPS)))
        whole = sum(client.ids == scene.history(client.workflow_id) for client in clients)
    return Result([Figure("clients that missed nothing and got nothing twice", whole, "", len(clients), "higher")],
                  {"drops_each": run.sized(DROPS), "events_each": len(clients[0].ids)})


async def _drops(scene: Scene, clients: list[EventStream], times: int) -> list[EventStream]:
    async def come_and_go(client: EventStream) -> None:
        for number in range(times):
            await client.open()
            await client.read(number % 4)
            await client.drop()

    ids = [client.workflow_id for client in clients]
    happening = asyncio.create_task(asyncio.to_thread(scene.toggle, ids * times))
    await asyncio.wait_for(asyncio.gather(*map(come_and_go, clients)), 300)
    await happening
    await asyncio.to_thread(scene.end, ids)
    for client in clients:
        await client.open()
        await client.read()
    return clients


@contextmanager
def _stuck(port: int, workflow_id: str, count: int) -> Iterator[None]:
    """Readers that ask for a stream and never read."""
    with ExitStack() as stack:
        for _ in range(count):
            reader = stack.enter_context(socket.socket())
            reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
            reader.connect(("127.0.0.1", port))
            reader.sendall(f"GET /api/workflow/{workflow_id}/events HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        yield


@contextmanager
def _running(process: Process) -> Iterator[Process]:
    try:
        process.ready()
        yield process
    finally:
        process.teardown()


PARTS = [Part("streams", "open", 300, open_streams), Part("streams", "drops", 300, drops)]
