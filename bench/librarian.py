"""Who works beside a full store: `python -m bench.librarian` answers each line of JSON with one.

    {"order": "fill", "count": N, "spread_s": S}          N finished workflows
                                                          -> {"bytes_each": ..., "bytes_of_outputs": ...}
    {"order": "work", "workflows": N, "reads": M, "pages": P, "searches": S}
                                                          N workflows through all their transitions, N cancels of
                                                          others, M status reads, P pages of each list, and S searches
                                                          that find nothing in as many as one page looks at
                                                          -> {"transition_us": [...], "cancel_us": [...],
                                                              "read_us": [...], "page_by_time_us": [...],
                                                              "page_by_status_us": [...], "search_us": [...]}

The transitions are the product's own, made by its own `run_step`; only the store tells how long each took.
"""

import json
import secrets
import sys
import time
from collections.abc import Callable
from typing import Any, TypeVar, cast

from bench import copies
from bench.bare import QUESTION
from core import logging
from core.settings import get_settings
from core.valkey import sync_client
from pipeline.execution import Released, run_step
from pipeline.ledger import StoreLedger
from pipeline.question import Question, accept, plan_workflow
from state import keys
from state.control import cancel
from state.listing import ENOUGH_SEARCHED, Cursor, Listing
from state.model import WorkflowRecord, WorkflowStatus
from state.store import Store
from state.transition import Send, Transition, new_token

T = TypeVar("T")
REHASH_WITHIN_S = 120.0
SEARCH_AT_MOST_S = 60.0  # by the count alone: the time is what is measured
PAGE = 50
# The fill leaves the C library's allocator many free pieces to sort; the first transitions after it pay for that.
SETTLING, COPIES_TO_SETTLE = 100, 60  # at least so many workflows, and one for so many copies


class TimedStore(Store):
    """A store that notes how long each transition took."""

    transition_us: list[float]

    def run(self, transition: Transition[T]) -> T:
        """Run it, and note."""
        start = time.perf_counter()
        answer = super().run(transition)
        self.transition_us.append((time.perf_counter() - start) * 1e6)
        return answer


class Librarian:
    """Fills one store and works in it."""

    def __init__(self) -> None:
        self._client = sync_client()
        self._store = TimedStore(self._client)
        self._store.transition_us = []
        self._ids: list[str] = []
        self._newest_ms = self._oldest_ms = 0

    def fill(self, count: int, spread_s: int) -> dict[str, Any]:
        """The original from a real run, then copies of it; bytes as Valkey counts them."""
        record = self._whole_workflow()
        original = copies.take(self._client, record.workflow_id, record.created_ms)
        before = self._used_bytes()
        port = int(self._client.connection_pool.connection_kwargs["port"])
        self._ids = copies.fill(port, original, count, record.created_ms, spread_s * 1000)
        self._await_rehash()
        used = self._used_bytes() - before
        first, last = self._store.record(self._ids[0]), self._store.record(self._ids[-1])
        if first is None or last is None or first.steps.keys() != record.steps.keys() or not last.status.final:
            raise RuntimeError("the copies cannot be read as the original can")
        for _ in range(max(SETTLING, count // COPIES_TO_SETTLE)):
            self._whole_workflow()
        self._newest_ms, self._oldest_ms = first.created_ms, last.created_ms
        return {"bytes_each": used / count, "bytes_of_outputs": self._bytes_of_outputs(self._ids[0])}

    def work(self, workflows: int, reads: int, pages: int, searches: int) -> dict[str, list[float]]:
        """Whole workflows, cancels, reads of workflows picked at random, pages of lists from random places on."""
        self._store.transition_us.clear()
        for _ in range(workflows):
            self._whole_workflow()
        return {
            "transition_us": list(self._store.transition_us),
            "cancel_us": [self._cancel() for _ in range(workflows)],
            "read_us": [self._read() for _ in range(reads)],
            "page_by_time_us": [self._page(frozenset()) for _ in range(pages)],
            "page_by_status_us": [self._page(frozenset({WorkflowStatus.SUCCEEDED})) for _ in range(pages)],
            "search_us": [self._search() for _ in range(searches)],
        }

    def _cancel(self) -> float:
        """Of a workflow whose first step waits in its queue."""
        workflow = plan_workflow(Question(QUESTION))
        self._store.run(accept(workflow, new_token()))
        ttl_s = get_settings().workflow_ttl_s
        start = time.perf_counter()
        done = self._store.run(cancel(workflow.workflow_id, actor="bench", reason="", ttl_s=ttl_s))
        took_us = (time.perf_counter() - start) * 1e6
        if not done.done:
            raise RuntimeError(f"the workflow was not cancelled: {done}")
        return took_us

    def _search(self) -> float:
        """From the newest on, as far as one page looks."""
        start = time.perf_counter()
        page = self._store.page(Listing(PAGE, text="nobody asked for this", search_for_s=SEARCH_AT_MOST_S))
        took_us = (time.perf_counter() - start) * 1e6
        if page.workflows or (page.searched_until is None and len(self._ids) > ENOUGH_SEARCHED):
            raise RuntimeError(f"a search that did not look at all: {page}")
        return took_us

    def _page(self, statuses: frozenset[WorkflowStatus]) -> float:
        """A full page, of the newer half."""
        place = self._newest_ms - secrets.randbelow((self._newest_ms - self._oldest_ms) // 2)
        wanted = Listing(PAGE, Cursor(place, "f" * len(self._ids[0])), statuses)
        start = time.perf_counter()
        page = self._store.page(wanted)
        took_us = (time.perf_counter() - start) * 1e6
        if len(page.workflows) != PAGE:
            raise RuntimeError(f"a page of {len(page.workflows)} workflows")
        return took_us

    def _read(self) -> float:
        workflow_id = secrets.choice(self._ids)
        start = time.perf_counter()
        record = self._store.record(workflow_id)
        took_us = (time.perf_counter() - start) * 1e6
        if record is None:
            raise RuntimeError(f"{workflow_id} is gone")
        return took_us

    def _whole_workflow(self) -> WorkflowRecord:
        """Accept a question and run its steps here, one after the other."""
        workflow = plan_workflow(Question(QUESTION))
        sends: tuple[Send, ...] = self._store.run(accept(workflow, new_token())).sends
        while sends:
            outcome = run_step(StoreLedger(self._store, "bench"), sends[0])
            sends = outcome.sends if isinstance(outcome, Released) else ()
        record = self._store.record(workflow.workflow_id)
        if record is None or record.status is not WorkflowStatus.SUCCEEDED:
            raise RuntimeError(f"the workflow did not succeed: {record}")
        return record

    def _bytes_of_outputs(self, workflow_id: str) -> int:
        """The outputs alone, without what it takes to keep them."""
        blobs = cast("dict[bytes, bytes]", self._client.hgetall(keys.outputs(workflow_id)))
        return sum(len(blob) for step, blob in blobs.items() if step not in (b"", keys.QUESTION.encode()))

    def _await_rehash(self) -> None:
        """Until the tables that grew while it was filled have moved: that is the cost of growing, not of being full."""
        ends_at = time.monotonic() + REHASH_WITHIN_S
        while self._client.info("memory")["mem_overhead_db_hashtable_rehashing"]:
            if time.monotonic() > ends_at:
                raise RuntimeError(f"Valkey still rehashes after {REHASH_WITHIN_S:.0f} s")
            time.sleep(0.1)

    def _used_bytes(self) -> int:
        return int(self._client.info("memory")["used_memory"])


def main() -> None:
    """Serve orders until the input ends."""
    logging.configure()  # to standard error: standard output is for answers
    librarian = Librarian()
    for line in sys.stdin:
        order: dict[str, Any] = json.loads(line)
        orders: dict[str, Callable[..., dict[str, Any]]] = {"fill": librarian.fill, "work": librarian.work}
        print(json.dumps(orders[order.pop("order")](**order)), flush=True)


if __name__ == "__main__":
    main()
