"""A long run at a steady load with faults on: what grows, what slows down, and what is left at the end."""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import linear_regression
from types import TracebackType
from typing import Any, Self

import psutil
import redis
import requests

from state import keys
from tests.chaos.arena import RESTLESS, Arena, Shape
from tests.chaos.load import Load
from tests.chaos.verdict import Verdict, judge, settle
from tests.processes import LocalProcess

AT_ONCE = 48  # questions open at a time while capacity is measured
SHARE = 0.7
SAMPLE_S = 5.0
ANSWER_LIMIT_S = 60.0


@dataclass(frozen=True)
class Sizes:
    """How long: the capacity's measurement, the load, and the time between two kills."""

    capacity_s: float
    soak_s: float
    kill_every_s: float


@dataclass(frozen=True)
class Sample:
    """One look: seconds since the load began, workflows ended by then, MB of resident memory by process."""

    at_s: float
    ended: int
    rss_mb: dict[str, float]
    valkey_mb: float
    due: int
    bounded: dict[str, int]  # lengths of what must not grow with the number of workflows


@dataclass(frozen=True)
class Soaked:
    """What a run gave; `took` are (seconds since the load began, seconds to the end) of each question."""

    capacity_per_s: float
    per_s: float
    verdict: Verdict
    samples: list[Sample]
    took: list[tuple[float, float]]
    kills: int
    restarts: int
    unexpiring: int  # keys of ended workflows that would stay for ever
    open_entries: int  # members of the indexes of open workflows, at the end
    ended: list[str]  # processes that do not run at the end


class Sampler:
    """Looks at everything every `SAMPLE_S`; what is away at that moment is left out of that look."""

    def __init__(self, arena: Arena, watched: dict[str, LocalProcess]) -> None:
        self._arena, self._watched = arena, watched
        self._enough, self._began = threading.Event(), time.monotonic()
        self._thread = threading.Thread(target=self._go_on)
        self.samples: list[Sample] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, _kind: type[BaseException] | None, _error: BaseException | None,
                 _trace: TracebackType | None) -> None:
        self._enough.set()
        self._thread.join()

    def _go_on(self) -> None:
        while not self._enough.wait(SAMPLE_S):
            with suppress(redis.ConnectionError, redis.TimeoutError, psutil.NoSuchProcess):  # it is being restarted
                self.samples.append(self._look())

    def _look(self) -> Sample:
        client = self._arena.client
        return Sample(
            time.monotonic() - self._began,
            sum(client.zcard(keys.by_status(status)) for status in ("SUCCEEDED", "DEGRADED", "FAILED")),
            {name: rss_mb(process) for name, process in self._watched.items()},
            client.info("memory")["used_memory"] / 1e6,
            client.zcard(keys.DUE),
            {"metric fields": client.hlen(keys.METRICS), "minutes": client.xlen(keys.METRICS_BY_MINUTE),
             "hours": client.xlen(keys.METRICS_BY_HOUR), "workers": client.zcard(keys.WORKERS),
             "queue marks": client.hlen(keys.QUEUE_MARKS)})


def rss_mb(process: LocalProcess) -> float:
    """Of a process and its children."""
    parent = psutil.Process(process.process.pid)
    return sum(one.memory_info().rss for one in (parent, *parent.children(recursive=True))) / 1e6


def capacity(url: str, for_s: float) -> float:
    """Questions answered a second with `AT_ONCE` open at a time; the first fifth is warm-up."""
    began, answered = time.monotonic(), []

    def ask_on(asker: int) -> None:
        number = 0
        with requests.Session() as session:
            while time.monotonic() < began + for_s:
                number += 1
                session.post(f"{url}/api/query", json={"query": f"capacity {asker} {number}"}, timeout=ANSWER_LIMIT_S)
                answered.append(time.monotonic() - began)

    with ThreadPoolExecutor(AT_ONCE) as askers:
        list(askers.map(ask_on, range(AT_ONCE)))
    counted = [at_s for at_s in answered if 0.2 * for_s <= at_s <= for_s]
    return len(counted) / (0.8 * for_s)


def run_soak(folder: Path, sizes: Sizes, seed: int, note: Callable[[str], None]) -> Soaked:
    """Measure the capacity, load 70 % of it for long, with faults; wait for the end; judge."""
    shape = Shape(workers=2, concurrency=100, apis=1, beats=1, shortest_s=0.02, longest_s=0.1, fault_share=0.05,
                  slow_share=0.02, slow_s=2.0, seed=seed, settings=RESTLESS)
    with Arena(folder, shape) as arena:
        arena.ready()
        capacity_per_s = capacity(arena.api_urls[0], sizes.capacity_s)
        settle(arena, 90)
        note(f"capacity {capacity_per_s:.1f} workflows/s")
        per_s = SHARE * capacity_per_s
        spared, victim = arena.processes["worker"]
        watched = {"API": arena.processes["api"][0], "worker": spared, "beat": arena.processes["beat"][0]}
        load = Load(arena.api_urls, int(per_s * sizes.soak_s), per_s, seed, folder / "promises.jsonl")
        began_ms = time.time() * 1000
        with Sampler(arena, watched) as sampler:
            load.start()
            kills, restarts = _disturb(arena, victim, sizes, load, note)
            load.stop()
            settle(arena, 90)
        note("all have ended")
        verdict = judge(arena, load.accepted)
        records = [record for one in load.accepted if (record := arena.store.record(one))]
        took = [((record.created_ms - began_ms) / 1000, ((record.finished_ms or 0) - record.created_ms) / 1000)
                for record in records]
        return Soaked(capacity_per_s, per_s, verdict, sampler.samples, took, kills, restarts, *_left(arena),
                      [process.name for process in arena.all() if process.status != "running"])


def _disturb(arena: Arena, victim: LocalProcess, sizes: Sizes, load: Load, note: Callable[[str], None]
             ) -> tuple[int, int]:
    """Kill one worker now and then, and restart Valkey once, in the middle; until the load is done."""
    began, kills, restarts = time.monotonic(), 0, 0
    gives_up_at = began + 1.5 * sizes.soak_s + 60
    while not load.done:
        assert time.monotonic() < gives_up_at, f"the load is not done: {len(load.accepted)} accepted"
        time.sleep(0.1)
        past_s = time.monotonic() - began
        if past_s > (kills + 0.5) * sizes.kill_every_s:
            victim.kill()
            victim.start()
            kills += 1
            note(f"{past_s:.0f} s: a worker was killed")
        if not restarts and past_s > sizes.soak_s / 2:
            arena.valkey.restart()
            restarts += 1
            note(f"{past_s:.0f} s: Valkey was restarted")
    victim.ready()
    return kills, restarts


def _left(arena: Arena) -> tuple[int, int]:
    """Keys of workflows without an expiry, and entries in the indexes of open ones."""
    client = arena.client
    names = list(client.scan_iter("baton:wf:*", count=1_000))
    pipeline = client.pipeline(transaction=False)
    for name in names:
        pipeline.ttl(name)
    unexpiring = sum(ttl_s < 0 for ttl_s in pipeline.execute())
    statuses = ("QUEUED", "RUNNING", "PAUSED")
    open_entries = sum(client.zcard(keys.by_status(status)) for status in statuses)
    return unexpiring, int(open_entries + len(list(client.scan_iter("baton:open:*"))))


def growth_per_1000(samples: Sequence[Sample], of: Callable[[Sample], float]) -> float:
    """By how much `of` grows with each 1,000 workflows: least squares, without the first third, which is warm-up."""
    settled: Any = samples[len(samples) // 3:]
    return 1_000 * linear_regression([one.ended for one in settled], [of(one) for one in settled]).slope
