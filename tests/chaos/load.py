"""The client: posts questions over HTTP and keeps its own log of what it was promised, without a look at any record."""

import json
import random
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import requests

POST_LIMIT_S = 30.0
POSTERS = 8


@dataclass(frozen=True)
class Promise:
    """One answer of the door: 202 or 200 with a workflow's id is a promise, anything else is none."""

    url: str
    status: int
    workflow_id: str
    detail: str


class Load:
    """Posts until `wanted` questions were accepted, about `per_s` a second, in turn to each of `urls`.

    Every question is posted once: after a refusal or a lost connection the next one is asked.
    """

    def __init__(self, urls: Sequence[str], wanted: int, per_s: float, seed: int, log: Path) -> None:
        self._urls, self._wanted, self._pause_s = urls, wanted, POSTERS / per_s
        self._numbers, self._random = count(), random.Random(seed)
        self._lock, self._log = threading.Lock(), log.open("a")
        self._stopped = threading.Event()
        self.promises: list[Promise] = []
        self._threads = [threading.Thread(target=self._post_on, daemon=True) for _ in range(POSTERS)]

    def start(self) -> None:
        """Begin to post."""
        for thread in self._threads:
            thread.start()

    @property
    def accepted(self) -> list[str]:
        """Ids of the workflows the client was promised."""
        return [promise.workflow_id for promise in list(self.promises) if promise.workflow_id]

    @property
    def answers(self) -> Counter[int]:
        """Answers of the door by status; 0 is no answer."""
        return Counter(promise.status for promise in list(self.promises))

    @property
    def done(self) -> bool:
        """Whether as many as wanted were accepted."""
        return len(self.accepted) >= self._wanted

    def stop(self) -> None:
        """Post no more, and wait for what is on its way."""
        self._stopped.set()
        for thread in self._threads:
            thread.join(POST_LIMIT_S + 1)
        self._log.close()

    def _post_on(self) -> None:
        while not self.done and not self._stopped.is_set():
            with self._lock:
                number, pause_s = next(self._numbers), self._random.uniform(0.5, 1.5) * self._pause_s
            self._note(post(self._urls[number % len(self._urls)], f"question {number}"))
            self._stopped.wait(pause_s)

    def _note(self, promise: Promise) -> None:
        with self._lock:
            self.promises.append(promise)
            self._log.write(json.dumps({"at": time.time(), **vars(promise)}) + "\n")
            self._log.flush()


def post(url: str, question: str) -> Promise:
    """Ask once, without waiting for the answer."""
    try:
        reply = requests.post(f"{url}/api/query", json={"query": question}, timeout=POST_LIMIT_S,
                              headers={"Prefer": "respond-async", "Connection": "close"})
    except requests.RequestException as error:
        return Promise(url, 0, "", type(error).__name__)
    if reply.status_code in (200, 202):
        return Promise(url, reply.status_code, str(reply.json()["workflow_id"]), "")
    return Promise(url, reply.status_code, "", reply.text[:200])
