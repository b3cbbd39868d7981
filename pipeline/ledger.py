"""Where a step is claimed and reported: a ledger. One is the record in Valkey, one `pipeline.direct.memory_ledger`.

The verbs are those of `state.transitions`, and so are their answers.
"""

from typing import Any, Protocol

from core.settings import get_settings
from state.model import Path
from state.store import Store
from state.transition import Send, new_token
from state.transitions import Extension, Go, NotBefore, Report, Verdict, begin, fail, finish, retry_later

Output = dict[str, Any]


class Ledger(Protocol):
    """Knows which steps may begin, and what became of them."""

    def begin(self, send: Send) -> Go | NotBefore | Verdict:
        """Claim the step of `send`."""

    def finish(
        self,
        go: Go,
        output: Output,
        *,
        degradation: dict[str, Any] | None = None,
        last_good: str = "",
        extension: Extension | None = None,
    ) -> Report:
        """Record the step's output; raises `OutputTooLarge`."""

    def fail(self, go: Go, error: dict[str, Any], *, excused: bool = False) -> Report:
        """End the step without an output; `excused`: by a fault of the question."""

    def retry_later(self, go: Go, wait_s: float, error: dict[str, Any], *, called: bool) -> Report:
        """Give the step back until `wait_s` from now."""

    def last_good(self, key: str) -> tuple[Output, int] | None:
        """The output that may stand in, and when it was recorded (ms)."""


class StoreLedger:
    """The record, for steps that `node` takes; every verb may raise `StoreUnavailable`."""

    def __init__(self, store: Store, node: str, path: Path = Path.CELERY) -> None:
        settings = get_settings()
        self._store, self._node, self._path = store, node, path
        self._ttl_s = settings.workflow_ttl_s
        self._lease_ms = int(settings.lease_s * 1000)

    def begin(self, send: Send) -> Go | NotBefore | Verdict:
        """Claim it for one lease."""
        return self._store.run(
            begin(
                send,
                node=self._node,
                lease_ms=self._lease_ms,
                ttl_s=self._ttl_s,
                token=new_token(),
                path=self._path,
            )
        )

    def finish(
        self,
        go: Go,
        output: Output,
        *,
        degradation: dict[str, Any] | None = None,
        last_good: str = "",
        extension: Extension | None = None,
    ) -> Report:
        """Record it, and what it released; a message nobody holds within one lease is looked for."""
        return self._store.run(
            finish(
                go,
                output,
                ttl_s=self._ttl_s,
                grace_ms=self._lease_ms,
                token=new_token(),
                degradation=degradation,
                last_good=last_good,
                extension=extension,
            )
        )

    def fail(self, go: Go, error: dict[str, Any], *, excused: bool = False) -> Report:
        """Record the error, and what goes on without the step."""
        return self._store.run(
            fail(go, error, ttl_s=self._ttl_s, grace_ms=self._lease_ms, token=new_token(), excused=excused)
        )

    def retry_later(self, go: Go, wait_s: float, error: dict[str, Any], *, called: bool) -> Report:
        """Record the wait; the step is looked for one lease after it."""
        return self._store.run(
            retry_later(go, wait_s, error, lease_ms=self._lease_ms, token=new_token(), called=called)
        )

    def last_good(self, key: str) -> tuple[Output, int] | None:
        """What was recorded under `key`."""
        return self._store.last_good(key)
