"""The direct path at the desk: recorded workflows that this process takes, and answers while Valkey is away."""

import asyncio
import os
import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Protocol

from api.problems import Problem, store_away
from breakers.registry import get_shared
from core.logging import get_logger
from core.settings import get_settings
from pipeline import stand_ins
from pipeline.answer import Answer, compose_answer
from pipeline.direct.memory_ledger import MemoryLedger
from pipeline.direct.path import DirectPath, Seat
from pipeline.direct.threads import NoThread
from pipeline.ledger import StoreLedger
from pipeline.repeating import repeat
from state.errors import NoRoom, StoreUnavailable
from state.model import NewWorkflow, Overflow, Path, WorkflowRecord
from state.recovery import longest_gap_ms, renew
from state.store import get_store
from state.transition import Send

log = get_logger(__name__)
CLOSE_WITHIN_S = 2.0  # of what runs when this process ends; the rest the workers bring back


class Chooser(Protocol):
    """Decides which path a question takes."""

    async def path_for(self, session_id: str, workflow_id: str) -> Path:
        """The path of one question of a session."""


class DirectDesk:
    """Answers questions in this process, as many at a time as `DIRECT_CONCURRENCY` says."""

    def __init__(self, chooser: Chooser) -> None:
        most = get_settings().direct_concurrency
        self._chooser = chooser
        self._recorded = DirectPath(most)
        self._unrecorded = DirectPath(most)  # its own: what waits for Valkey to come back takes no seat of its
        self._node = f"api-{os.getpid()}@{socket.gethostname()}"
        self._asking: Counter[str] = Counter()  # unrecorded questions of each API key
        self._renewal: threading.Event | None = None

    def open(self, known_away: Callable[[], bool]) -> None:
        """Hold what is taken from now on, and be ready to stand in; `known_away`: the API looks for Valkey anyway."""
        get_shared().known_away = known_away
        self._renewal = repeat("direct-renewal", get_settings().renew_interval_s, self._renew)
        threading.Thread(target=stand_ins.load, name="baton-stand-ins", daemon=True).start()

    async def placed(self, workflow: NewWorkflow) -> tuple[NewWorkflow, Seat | None]:
        """The workflow with the path it is to take, and its seat; Celery's also when there is no seat left for it."""
        path = await self._chooser.path_for(str(workflow.request.get("session_id", "")), workflow.workflow_id)
        if path is Path.CELERY:
            return workflow, None
        seat = self._recorded.seat()
        if seat is None:
            return replace(workflow, overflow=Overflow.NO_SEAT), None
        return replace(workflow, path=Path.DIRECT), seat

    def instead(self, workflow: NewWorkflow) -> tuple[NewWorkflow, Seat] | None:
        """The same for one of Celery's that finds its queue full; None without a seat."""
        seat = self._recorded.seat() if workflow.overflow is None else None
        return (replace(workflow, path=Path.DIRECT, overflow=Overflow.QUEUE_FULL), seat) if seat else None

    def take(self, seat: Seat, sends: Sequence[Send]) -> bool:
        """Take the steps of a recorded workflow; False when no thread can be had for it: the workers' it is then."""
        try:
            seat.run(StoreLedger(get_store(), self._node, Path.DIRECT), sends)
        except NoThread as error:
            log.warning("direct_refused", error=str(error), meaning="the workers take the question")
            return False
        return True

    async def answer(self, workflow: NewWorkflow) -> tuple[WorkflowRecord, Answer] | None:
        """Answer without a record; None when too many are at it already, `NoRoom` when they are all of this key.

        Raises `Problem` when it breaks off.
        """
        with self._room_for(workflow.caller):
            seat = self._unrecorded.seat()
            if seat is None:
                return None
            ledger = MemoryLedger(replace(workflow, path=Path.DIRECT))
            log.info("workflow_unrecorded", workflow_id=workflow.workflow_id, route=workflow.route)
            try:
                done = seat.run(ledger, ledger.start())
            except NoThread as error:
                log.warning("direct_refused", error=str(error), meaning="the question is refused")
                return None
            await asyncio.wrap_future(done)
        record = ledger.record()
        if not record.status.final:
            raise self._broken_off(workflow.workflow_id)
        return record, compose_answer(record, ledger.contents(), recorded=False)

    def _broken_off(self, workflow_id: str) -> Problem:
        if self._unrecorded.closed.is_set():
            return store_away("This API process ended before the answer was there: ask again.")
        return Problem(
            "internal_error",
            "The question broke off: an unexpected error, which is in the API's log. Nothing of it is kept.",
            recovery_action="contact_support",
            extra={"workflow_id": workflow_id, "recorded": False},
        )

    @contextmanager
    def _room_for(self, caller: str) -> Iterator[None]:
        """One more question of an API key; this process counts its own, with nowhere to count everybody's."""
        most = get_settings().max_open_per_key
        if caller and 0 < most <= self._asking[caller]:
            raise NoRoom("MAX_OPEN_PER_KEY", caller, self._asking[caller])
        self._asking[caller] += 1
        try:
            yield
        finally:
            self._asking[caller] -= 1

    def cancelled(self, workflow_id: str) -> None:
        """Stop what is being done for it here."""
        self._recorded.in_hand.stop_workflow(workflow_id)

    async def close(self) -> None:
        """End what runs, and let the workers have at once what did not end in time."""
        ends = (asyncio.to_thread(path.close, CLOSE_WITHIN_S) for path in (self._recorded, self._unrecorded))
        left, _ = await asyncio.gather(*ends)
        if self._renewal is not None:
            self._renewal.set()
        with suppress(StoreUnavailable):
            for send in left:
                await asyncio.to_thread(get_store().hurry, send.workflow_id, [send.step])

    def _renew(self) -> None:
        """Renew every step this process has taken, in one call; stop the calls that are no longer its own."""
        in_hand = self._recorded.in_hand
        if held := in_hand.held():
            lease_ms = int(get_settings().lease_s * 1000)
            for task_id in get_store().run(renew(self._node, held, lease_ms, longest_gap_ms())):
                workflow_id, step, *_ = task_id.split(".")
                log.warning("call_stopped", workflow_id=workflow_id, step=step, meaning="cancelled, lost, or too old")
                in_hand.stop(task_id)
