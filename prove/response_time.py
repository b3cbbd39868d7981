"""Response time through Celery beside the direct path: the same agents, Valkey and machine, in turn, in one run.

Two API processes share one Valkey and one worker; the one sends every question to Celery, the other takes it itself.
Alone: one question at a time, each path once a round, and three plain calls of the agents beside them. At a rate:
blocks by the clock, in turn.
"""

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path as Folder
from typing import Final

import requests

from bench.figures import percentile
from prove.proof import Figure, Kind, Part, Result, Run
from state.model import Path
from tests.direct_api import LocalApi
from tests.processes import LocalProcess, LocalValkey, LocalWorker
from tests.timed_agent import TimedAgent

MOST: Final = 1.10
PLAIN: Final = "plain"
WARM_UP: Final = 15
BLOCKS: Final = 2


@dataclass(frozen=True)
class Size:
    """Agents of `agent_ms`: `rounds` of questions alone, then blocks of `block_s` at `per_s`."""

    agent_ms: int
    rounds: int
    per_s: float
    block_s: float


SIZES: Final = (Size(20, 80, 20, 6), Size(100, 60, 15, 6), Size(1_000, 5, 5, 6))


@dataclass
class Times:
    """Seconds that answers took, by who gave them."""

    alone: dict[str, list[float]] = field(default_factory=lambda: {Path.CELERY: [], Path.DIRECT: [], PLAIN: []})
    at_rate: dict[str, list[float]] = field(default_factory=lambda: {Path.CELERY: [], Path.DIRECT: []})


class Stage:
    """Both APIs, and the agents they have in common."""

    def __init__(self, apis: dict[Path, LocalApi], agent: TimedAgent) -> None:
        self._apis, self._agent = apis, agent
        self._session = requests.Session()
        adapter = requests.adapters.HTTPAdapter(pool_maxsize=200)
        self._session.mount("http://", adapter)

    def ask(self, path: Path) -> None:
        """One question, answered by that path and no other."""
        reply = self._session.post(f"{self._apis[path].url}/api/query", json={"query": "flights per month"}, timeout=60)
        answer = reply.json()
        if (answer.get("status"), answer.get("path")) != ("SUCCEEDED", path):
            raise RuntimeError(f"not answered by {path}: {reply.text[:500]}")

    def one_after_the_other(self, rounds: int, times: Times) -> None:
        """Each in turn."""
        for number in range(rounds):
            for path in sorted(Path, reverse=bool(number % 2)):
                began = time.perf_counter()
                self.ask(path)
                times.alone[path].append(time.perf_counter() - began)
            began = time.perf_counter()
            self._agent.call_each()
            times.alone[PLAIN].append(time.perf_counter() - began)

    def at_rate(self, path: Path, size: Size, times: Times) -> None:
        """An open loop by the clock; an answer's time counts from when its question was due."""
        start = time.perf_counter() + 0.1
        due = [start + number / size.per_s for number in range(round(size.per_s * size.block_s))]

        def answered(at: float) -> float:
            time.sleep(max(0.0, at - time.perf_counter()))
            self.ask(path)
            return time.perf_counter() - at

        with ThreadPoolExecutor(max_workers=round(size.per_s * (3 * size.agent_ms / 1_000 + 2))) as pool:
            times.at_rate[path] += pool.map(answered, due)


@contextmanager
def staged(folder: Folder, agent_ms: int) -> Iterator[Stage]:
    """All of it, warm."""
    with ExitStack() as stack:
        def started(process: LocalProcess) -> None:
            stack.callback(process.teardown)
            process.ready()

        started(valkey := LocalValkey(folder / "valkey"))
        started(agent := TimedAgent(folder, agent_ms))
        environment = {"REDIS_URL": valkey.url, **{f"{name}_AGENT_URL": agent.url for name in ("NLP", "DATA", "VIZ")}}
        started(LocalWorker(folder, environment, concurrency=200))
        apis = {path: LocalApi(folder, environment, path) for path in Path}
        for api in apis.values():
            started(api)
        stage = Stage(apis, agent)
        with ThreadPoolExecutor(WARM_UP) as pool:
            for path in Path:
                list(pool.map(stage.ask, [path] * WARM_UP))
        yield stage


def beside_direct(run: Run) -> Result:
    """Celery's medians over the direct path's, for agents of 20 ms, 100 ms and 1 s."""
    figures, details = list[Figure](), dict[str, object]()
    for full in SIZES:
        size = Size(full.agent_ms, run.sized(full.rounds, 3), full.per_s, max(2.0, full.block_s * run.scale))
        run.note(f"agents of {size.agent_ms} ms: {size.rounds} rounds, then {size.per_s:g} questions/s")
        times = Times()
        with staged(run.folder / str(size.agent_ms), size.agent_ms) as stage:
            stage.one_after_the_other(size.rounds, times)
            for _ in range(BLOCKS):
                for path in Path:
                    stage.at_rate(path, size, times)
        figures += _figures(size, times)
        details[f"{size.agent_ms} ms"] = {
            "alone": {str(who): told(took) for who, took in times.alone.items()},
            f"at {size.per_s:g}/s": {str(who): told(took) for who, took in times.at_rate.items()},
        }
    return Result(figures, details)


def _figures(size: Size, times: Times) -> list[Figure]:
    kind = Kind.GATE if size.agent_ms == 100 else Kind.TARGET
    ratios = {"alone": times.alone, f"at {size.per_s:g} questions/s": times.at_rate}
    return [Figure(f"p{at} through Celery over direct, agents of {size.agent_ms} ms, {how}",
                   round(percentile(took[Path.CELERY], at) / percentile(took[Path.DIRECT], at), 3), "x", MOST, "lower",
                   kind if at == 50 else Kind.TARGET)
            for how, took in ratios.items() for at in (50, 95)]


def told(took_s: Sequence[float]) -> dict[str, float]:
    """Milliseconds worth quoting."""
    return {"count": len(took_s), **{f"p{at}_ms": round(percentile(took_s, at) * 1_000, 1) for at in (50, 95)}}


PARTS = [Part("response_time", "beside the direct path", 480, beside_direct)]
