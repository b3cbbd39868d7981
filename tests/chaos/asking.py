"""The client: asks at a steady rate whatever becomes of it, half of it with somebody waiting and half without."""

import random
import secrets
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from state.model import Mode, WorkflowStatus
from tests.chaos.stage import Stage

POOL = 100
FRESH_SHARE = {Mode.BACKGROUND: 0.3, Mode.INTERACTIVE: 0.1}  # never asked before: nothing stands in for nlp and data


@dataclass(frozen=True)
class Asked:
    """One question that was accepted; `warm`: it had been answered before."""

    workflow_id: str
    query: str
    mode: Mode
    warm: bool


class Asker:
    """Asks `per_s` questions a second in an open loop, as its seed draws them. Use it as a context."""

    def __init__(self, stage: Stage, per_s: float, seed: int, pool: int = POOL) -> None:
        self._stage, self._per_s, self._random = stage, per_s, random.Random(seed)
        self._pool = [f"known question {number}" for number in range(pool)]
        self._enough = threading.Event()
        self._thread = ThreadPoolExecutor(1)
        self.asked: list[Asked] = []
        self.latest_s = 0.0  # how far behind its times it was at worst

    def warm_up(self, limit_s: float = 60.0) -> None:
        """Ask each question of the pool once, and see that all are answered."""
        ids = [self._stage.ask(query, Mode.BACKGROUND) for query in self._pool]  # may wait for a breaker
        self._stage.settle(limit_s)
        statuses = {self._status(workflow_id) for workflow_id in ids}
        assert statuses == {WorkflowStatus.SUCCEEDED}, statuses

    def __enter__(self) -> Self:
        self._done = self._thread.submit(self._ask_on)
        return self

    def __exit__(self, kind: type[BaseException] | None, _error: BaseException | None,
                 _trace: TracebackType | None) -> None:
        self._enough.set()
        self._thread.shutdown()
        if kind is None:
            self._done.result()

    def also(self, query: str, mode: Mode, *, warm: bool) -> None:
        """Ask one question beside the others."""
        self.asked.append(Asked(self._stage.ask(query, mode), query, mode, warm))

    def _ask_on(self) -> None:
        began, count = time.monotonic(), 0
        while not self._enough.wait(max(0.0, began + count / self._per_s - time.monotonic())):
            self.latest_s = max(self.latest_s, time.monotonic() - began - count / self._per_s)
            self.ask_one()
            count += 1

    def ask_one(self) -> None:
        """The next one as the seed draws it."""
        mode = self._random.choice((Mode.INTERACTIVE, Mode.BACKGROUND))
        if self._random.random() < FRESH_SHARE[mode]:
            self.also(f"new question {secrets.token_hex(8)}", mode, warm=False)
        else:
            self.also(self._random.choice(self._pool), mode, warm=True)

    def _status(self, workflow_id: str) -> WorkflowStatus:
        record = self._stage.store.record(workflow_id)
        assert record is not None
        return record.status


def every(pause_s: float, times: int, act: Callable[[int], None]) -> None:
    """Do something now and then again, `times` times, by the clock."""
    began = time.monotonic()
    for number in range(times):
        time.sleep(max(0.0, began + number * pause_s - time.monotonic()))
        act(number)
