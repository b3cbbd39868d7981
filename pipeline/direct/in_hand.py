"""What this process has taken on: which sends, so that their leases are renewed, and how to stop them."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from core import stoppable
from state.transition import Send


class Taken:
    """One send that was taken; it is `active` while its step is being done, and not while it waits."""

    def __init__(self, send: Send) -> None:
        self.send, self.active = send, False
        self._wake = threading.Event()

    def sleep(self, seconds: float) -> None:
        """Wait so long, or until it is stopped; the record then says what is left to do."""
        self._wake.wait(seconds)
        self._wake.clear()

    def stop(self) -> None:
        """End its call, or its waiting. Idempotent."""
        stoppable.stop(self.send.task_id)
        self._wake.set()

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Its step is being done."""
        self.active = True
        try:
            yield
        finally:
            self.active = False


class InHand:
    """All sends this process has taken; safe between threads."""

    def __init__(self) -> None:
        self._taken: dict[str, Taken] = {}

    def take(self, send: Send) -> Taken:
        """From now on it is ours."""
        taken = self._taken[send.task_id] = Taken(send)
        return taken

    def drop(self, taken: Taken) -> None:
        """Nothing is left to do about it here."""
        self._taken.pop(taken.send.task_id, None)

    def held(self) -> list[tuple[Send, bool]]:
        """Each send, and whether its step is being done."""
        return [(taken.send, taken.active) for taken in list(self._taken.values())]

    def stop(self, task_id: str) -> None:
        """Stop one, if it is ours."""
        if taken := self._taken.get(task_id):
            taken.stop()

    def stop_workflow(self, workflow_id: str) -> None:
        """Stop all of one workflow."""
        for taken in list(self._taken.values()):
            if taken.send.workflow_id == workflow_id:
                taken.stop()

    def stop_all(self) -> None:
        """Stop everything."""
        for taken in list(self._taken.values()):
            taken.stop()
