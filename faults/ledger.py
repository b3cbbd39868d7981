"""What was done to calls: counted for each agent, and one line of JSON a call where a log is wanted.

A call is written down before the first byte of its answer leaves, so whoever has an answer finds its line.
"""

import json
import os
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from core.clock import iso, now_ms
from faults.rules import FaultKind
from faults.wire import Head

NAMED: Final = ("X-Workflow-Id", "X-Step", "X-Attempt", "Idempotency-Key")


class Outcome(StrEnum):
    """How a call ended: the agent answered, a rule did, the agent could not be reached, the caller left before."""

    FORWARDED = "forwarded"
    INJECTED = "injected"
    UNREACHABLE = "unreachable"
    LEFT = "left"


@dataclass(slots=True)
class Counters:
    """Calls of one agent; `total` counts at arrival, `faults` when a rule hits, the rest when the call is decided."""

    total: int = 0
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    faults: Counter[FaultKind] = field(default_factory=Counter)

    def described(self) -> dict[str, Any]:
        """As the control API tells it."""
        outcomes = {outcome.value: self.outcomes[outcome] for outcome in Outcome}
        return {"total": self.total, **outcomes, "faults": {kind.value: self.faults[kind] for kind in self.faults}}


class CallLog:
    """A file that takes one line a call; whole lines only, however many write to it."""

    def __init__(self, path: Path | None) -> None:
        self._fd = None if path is None else os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)

    def write(self, line: dict[str, Any]) -> None:
        """Append one line, if there is a log."""
        if self._fd is not None:
            os.write(self._fd, (json.dumps(line, separators=(",", ":")) + "\n").encode())

    def close(self) -> None:
        """Nothing is written after this."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None


class Entry:
    """One call on its way into the counters and the log; the first outcome told is the one that stays."""

    def __init__(self, agent: str, head: Head, counters: Counters, log: CallLog) -> None:
        self._agent, self._head, self._counters, self._log = agent, head, counters, log
        self._at_ms, self._began = now_ms(), time.monotonic()
        self._faults: tuple[FaultKind, ...] = ()
        self._told = False
        counters.total += 1

    def hit_by(self, faults: Iterable[FaultKind]) -> None:
        """The rules that hit it."""
        self._faults = tuple(faults)
        self._counters.faults.update(self._faults)

    def tell(self, outcome: Outcome, status: int | None = None) -> None:
        """How it ends, and the `status` that is answered, if any."""
        if self._told:
            return
        self._told = True
        self._counters.outcomes[outcome] += 1
        method, _, _ = self._head.start
        self._log.write(
            {
                "at": iso(self._at_ms),
                "agent": self._agent,
                "method": method,
                "path": self._head.path,
                **{name: self._head.fields.get(name.lower()) for name in NAMED},
                "outcome": outcome,
                "faults": self._faults,
                "status": status,
                "ms": round((time.monotonic() - self._began) * 1000, 2),
            }
        )
