"""A rolling upgrade and its way back under load: processes of two releases on one Valkey, at the same workflows."""

import random
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import requests

from core.settings import ROOT
from tests.chaos.arena import RESTLESS, Arena, LocalApi, Shape
from tests.chaos.load import Load, post
from tests.chaos.verdict import Verdict, judge, settle
from tests.processes import LocalProcess, LocalWorker
from tests.releases import previous

OLD, NEW = "previous", "this"
# Workers first and then the API, and back in the same order: each release's API meets old workers, new ones, and both.
COURSE = (("worker", 0, NEW), ("worker", 1, NEW), ("api", 0, NEW),
          ("worker", 0, OLD), ("worker", 1, OLD), ("api", 0, OLD))
# Tries enough that no workflow fails for its agents' faults alone: it is the upgrade that is judged.
PATIENT = {"NLP_MAX_ATTEMPTS": "6", "DATA_MAX_ATTEMPTS": "6", "VIZ_MAX_ATTEMPTS": "6"}
WORDS = ("pause", "resume", "cancel", "retry")
PLAN = [
    {"name": "left", "agent": "data", "input": {"sql_query": "SELECT 1 AS x"}},
    {"name": "right", "agent": "data", "input": {"sql_query": "SELECT 2 AS x"}},
    {"name": "chart", "agent": "viz", "after": ["left", "right"], "input": {"data": {"$from": "left", "path": "rows"}}},
]


@dataclass(frozen=True)
class Upgraded:
    """What a course gave: the verdict; how often a step was begun by each release; each word's answers by status."""

    verdict: Verdict
    begun_by: Counter[str]
    shared: int  # workflows whose steps were begun by workers of both releases
    answers: dict[str, Counter[int]]
    door: Counter[int]
    complex_ones: int
    told: list[str]  # what this release's API said of workers of the other one


class Fleet:
    """Two workers and an API, each of one release or the other."""

    def __init__(self, arena: Arena, folder: Path) -> None:
        self._arena, self._trees = arena, {OLD: previous(folder), NEW: ROOT}
        self._of: dict[str, str] = {}
        self.urls: list[str] = []
        self.places: dict[tuple[str, int], LocalProcess] = {}
        for kind, place in (("worker", 0), ("worker", 1), ("api", 0)):
            self.places[kind, place] = self._started(kind, OLD)
        self._show()

    def replace(self, kind: str, place: int, release: str, *, kill: bool) -> None:
        """The successor is ready before its predecessor goes: by -9, or as an operator would stop it."""
        before = self.places[kind, place]
        self.places[kind, place] = self._started(kind, release)
        self._show()
        if kill:
            before.kill()
        else:
            before.teardown()

    def release_of(self, worker: str) -> str:
        """Of a worker, or an API that did a step itself (a comparison of the paths may begin), by its name."""
        return self._of[worker]

    def told_of_releases(self) -> list[str]:
        """What the API's check-up finds about releases; the previous one does not look."""
        reply = requests.get(f"{self.urls[0]}/health/ready?verbose", timeout=30).json()
        return [check["found"] for check in reply["checks"] if check["subject"] == "releases"]

    def _started(self, kind: str, release: str) -> LocalProcess:
        arena, tree = self._arena, self._trees[release]
        process: LocalProcess
        if kind == "api":
            process = LocalApi(arena.folder, arena.environment, tree)
        else:
            process = LocalWorker(arena.folder, arena.environment, arena.shape.pool, arena.shape.concurrency, tree)
            self._of[process.hostname] = release
        arena.processes.setdefault(kind, []).append(process)
        process.ready()
        self._of[f"api-{process.process.pid}@{socket.gethostname()}"] = release  # so it signs a step it does itself
        return process

    def _show(self) -> None:
        self.urls[:] = [process.url for process in self.places.values() if isinstance(process, LocalApi)]


class Operator:
    """Interferes with what was accepted, some ten times a second: pauses, resumes, cancels, runs again."""

    def __init__(self, fleet: Fleet, load: Load, seed: int) -> None:
        self._fleet, self._load, self._random = fleet, load, random.Random(seed)
        self._enough = threading.Event()
        self._thread = threading.Thread(target=self._go_on)
        self.answers: dict[str, Counter[int]] = {word: Counter() for word in WORDS}
        self.complex_ones: list[str] = []
        self._cancelled: list[str] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, _kind: type[BaseException] | None, _error: BaseException | None,
                 _trace: TracebackType | None) -> None:
        self._enough.set()
        self._thread.join()

    def _go_on(self) -> None:
        number = 0
        while not self._enough.wait(0.1):
            number += 1
            self._ask(number)
            if accepted := self._load.accepted[-20:]:
                word = self._random.choice(WORDS)
                # Most of what ran has succeeded and is not run again; what was cancelled is.
                wanted = self._cancelled if word == "retry" and self._cancelled else accepted
                self._say(word, self._random.choice(wanted))

    def _ask(self, number: int) -> None:
        """Every third time a plan or a question in two parts."""
        if number % 6 == 0:
            self._note(self._post("/api/workflow", {"query": "a plan", "steps": PLAN}))
        elif number % 3 == 0:
            self.complex_ones += filter(None, [post(self._fleet.urls[0], f"this {number} and also that").workflow_id])

    def _say(self, word: str, workflow_id: str) -> None:
        reply = self._post(f"/api/workflow/{workflow_id}/{word}", {"reason": "upgrade"})
        self.answers[word][0 if reply is None else reply.status_code] += 1
        if word == "cancel" and reply is not None and reply.ok and reply.json().get("changed"):
            self._cancelled.append(workflow_id)
        if word == "pause":  # or it would be at the end what it is not: unfinished
            self._post_until_heard(f"/api/workflow/{workflow_id}/resume")

    def _post_until_heard(self, path: str) -> None:
        gives_up_at = time.monotonic() + 20
        while (reply := self._post(path, {"reason": "upgrade"})) is None or reply.status_code >= 500:
            assert time.monotonic() < gives_up_at, f"nobody heard {path}"
            time.sleep(0.05)
        self.answers["resume"][reply.status_code] += 1

    def _post(self, path: str, body: dict[str, Any]) -> "requests.Response | None":
        try:
            return requests.post(self._fleet.urls[0] + path, json=body, timeout=10)
        except requests.RequestException:  # that API is just being replaced
            return None

    def _note(self, reply: "requests.Response | None") -> None:
        if reply is not None and reply.status_code == 202:
            self.complex_ones.append(reply.json()["workflow_id"])


def run_upgrade(folder: Path, workflows: int, times: int, shape: Shape, note: Callable[[str], None]) -> Upgraded:
    """Go the course `times` over while at least `workflows` questions are posted; wait for the end; judge."""
    with Arena(folder, Shape(**{**vars(shape), "workers": 0, "apis": 0,
                                "settings": {**RESTLESS, **PATIENT, **shape.settings}})) as arena:
        arena.ready()
        fleet = Fleet(arena, folder)
        load = Load(fleet.urls, workflows, 15.0, shape.seed, folder / "promises.jsonl")
        told: list[str] = []
        with Operator(fleet, load, shape.seed) as operator:
            load.start()
            for number, (kind, place, release) in enumerate(COURSE * times):
                fleet.replace(kind, place, release, kill=number % 2 == 0)
                note(f"{kind} {place} is of {release} release now")
                if release == OLD and not told:  # once: the new API, and workers of both releases
                    told += fleet.told_of_releases()
            while not load.done:
                time.sleep(0.1)
            load.stop()
        settle(arena, 90)
        promised = [*load.accepted, *operator.complex_ones]
        verdict = judge(arena, promised)
        begun = [{fleet.release_of(event.data["worker"]) for event in arena.events(one) if event.kind == "begun"}
                 for one in promised]
        return Upgraded(verdict, Counter(release for of in begun for release in of), sum(len(of) == 2 for of in begun),
                        operator.answers, load.answers, len(operator.complex_ones), told)
