"""Lists on a real server: pages while workflows come, change their status and expire; equal times; expired records."""

import asyncio
import secrets
import threading

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.valkey import async_client, sync_client
from state import keys
from state import listing as lists
from state import transitions as t
from state.errors import StoreUnavailable
from state.listing import Listing, Read, advance, read_page
from state.model import Mode, NewStep, NewWorkflow, WorkflowStatus
from state.store import AsyncStore, Store
from state.transition import new_token
from tests.processes import free_ports

NOON_MS = 1_700_000_000_000
OPEN = frozenset({WorkflowStatus.QUEUED, WorkflowStatus.RUNNING})


def accept(store, created_ms=None, query="q"):
    """A workflow accepted now, or as if at `created_ms`; its first send."""
    workflow = NewWorkflow(secrets.token_hex(16), {"query": query, "query_id": "q"}, Mode.INTERACTIVE, 180.0,
                           (NewStep("nlp", "nlp", "agents.nlp", 30.0),))
    send = store.run(t.start(workflow, 60_000, "start")).sends[0]
    if created_ms is not None:
        store.client.hset(keys.record(workflow.workflow_id), "created_ms", created_ms)
        for index in (keys.BY_TIME, keys.by_status("QUEUED")):
            store.client.zadd(index, {workflow.workflow_id: created_ms}, xx=True)
    return send


def begin(store, send):
    return store.run(t.begin(send, node="n", lease_ms=60_000, ttl_s=100, token=new_token()))


def finish(store, go):
    return store.run(t.finish(go, {}, ttl_s=100, grace_ms=60_000, token=new_token()))


def fail(store, go):
    error = {"error_type": "agent_error", "message": "no"}
    return store.run(t.fail(go, error, ttl_s=100, grace_ms=60_000, token=new_token()))


def expire(store, *sends):
    for send in sends:
        store.client.delete(keys.record(send.workflow_id), keys.outputs(send.workflow_id))


def ids(*sends):
    return [send.workflow_id for send in sends]


def pages(store, limit=50, **filters):
    """Every page of a list."""
    after, found = None, []
    while not found or after is not None:
        page = store.page(Listing(limit=limit, after=after, **filters))
        assert len(page.workflows) <= limit
        found.append(page)
        after = page.next
    return found


def listed(store, limit=50, **filters):
    return [one.workflow_id for page in pages(store, limit, **filters) for one in page.workflows]


def newest_first(sends, created_ms):
    return [i for _, i in sorted(((created_ms[n], s.workflow_id) for n, s in enumerate(sends)), reverse=True)]


def test_a_summary_tells_what_stands_in_the_record(store):
    send = accept(store, query="average delay")
    finish(store, begin(store, send))
    record = store.record(send.workflow_id)
    (page,) = pages(store)
    assert page.workflows == [lists.Summary(send.workflow_id, "average delay", WorkflowStatus.SUCCEEDED,
                                            Mode.INTERACTIVE, record.created_ms, record.finished_ms)]
    assert record.finished_ms


def test_without_workflows_there_is_one_empty_page(store):
    assert pages(store) == [lists.Page()]


@pytest.mark.parametrize("limit", [1, 3, 10, 200])
def test_equal_times_are_ordered_by_id_and_cut_anywhere(store, limit):
    created = [NOON_MS + n // 40 for n in range(100)]
    sends = [accept(store, at) for at in created]
    assert listed(store, limit) == newest_first(sends, created)


def test_the_last_page_has_no_next_even_when_it_is_full(store):
    for _ in range(4):
        accept(store)
    assert [len(page.workflows) for page in pages(store, 2)] == [2, 2]


def test_by_status_several_indexes_make_one_list(store):
    created = [NOON_MS + n % 7 for n in range(60)]
    sends = [accept(store, at) for at in created]
    begun = [begin(store, send) for send in sends[::2]]
    for go in begun[::2]:
        finish(store, go)
    status = [("SUCCEEDED", "QUEUED", "RUNNING", "QUEUED")[n % 4] for n in range(60)]
    for wanted in ({"QUEUED"}, {"RUNNING"}, {"SUCCEEDED"}, {"FAILED"}, OPEN, {"FAILED", "RUNNING", "SUCCEEDED"}):
        chosen = [n for n in range(60) if status[n] in wanted]
        expected = newest_first([sends[n] for n in chosen], [created[n] for n in chosen])
        assert listed(store, 7, statuses=frozenset(map(WorkflowStatus, wanted))) == expected


def test_a_window_of_time_contains_its_beginning_and_not_its_end(store):
    sends = [accept(store, NOON_MS + n) for n in range(6)]
    assert listed(store, 1, from_ms=NOON_MS + 1, to_ms=NOON_MS + 4) == ids(*sends[3:0:-1])
    assert listed(store, 1, to_ms=NOON_MS + 2) == ids(sends[1], sends[0])
    assert listed(store, 1, from_ms=NOON_MS + 4) == ids(sends[5], sends[4])
    assert listed(store, from_ms=NOON_MS + 3, to_ms=NOON_MS + 3) == []
    newer = lists.Cursor(NOON_MS + 5, "0" * 32)
    assert len(store.page(Listing(after=newer, to_ms=NOON_MS + 2)).workflows) == 2


def test_expired_members_are_skipped_and_the_page_is_still_full(store):
    sends = [accept(store, NOON_MS + n) for n in range(120)]
    expire(store, *(send for n, send in enumerate(sends) if n % 3))
    page = store.page(Listing(limit=30))
    assert [one.workflow_id for one in page.workflows] == ids(*sends[::3])[:9:-1]
    assert len(page.workflows) == 30
    assert listed(store, 7) == ids(*sends[::3])[::-1]


def test_a_page_looks_at_a_bounded_number_of_members_and_leads_on(store):
    store.client.zadd(keys.BY_TIME, {secrets.token_hex(16): NOON_MS + n for n in range(10_000)})
    last = accept(store, NOON_MS - 1)
    found = pages(store, 50)
    assert [one.workflow_id for page in found for one in page.workflows] == ids(last)
    assert len(found) == -(-10_001 // lists.ENOUGH_LOOKED_AT)
    assert all(page.next for page in found[:-1])


def test_a_search_looks_at_a_bounded_number_of_members_a_read_and_a_page(store):
    """And leads on; among them are many of one moment, more than one read takes."""
    gone = {secrets.token_hex(16): NOON_MS + min(n, 20_000) for n in range(23_000)}
    store.client.zadd(keys.BY_TIME, gone)
    last = accept(store, NOON_MS - 1, "Ünder ÄRGER")
    found = pages(store, 50, text="ünder ärger", search_for_s=60)
    assert [one.workflow_id for page in found for one in page.workflows] == ids(last)
    assert len(found) == 3
    assert [page.searched_until for page in found] == [page.next for page in found]
    looked_until = [sorted(((at, id_) for id_, at in gone.items()), reverse=True)[n - 1] for n in (10_000, 20_000)]
    assert [tuple(page.next) for page in found[:-1]] == looked_until
    assert reads_of(store, Listing(text="x")) < 60


def test_a_search_whose_time_is_up_gets_on_by_a_read_a_page_and_misses_nothing(store):
    sends = [accept(store, NOON_MS + n, "delay" if n % 10 == 0 else "flights") for n in range(60)]
    found = pages(store, 2, text="delay", search_for_s=0)
    assert [one.workflow_id for page in found for one in page.workflows] == ids(*sends[50::-10])
    assert len(found) >= 60 // 3  # a read takes as many as a page has room for, and one more
    assert [page.searched_until for page in found] == [page.next for page in found]


def test_what_lost_the_wanted_status_meanwhile_is_not_listed(store):
    sends = [accept(store, NOON_MS + n) for n in range(3)]
    begun = [begin(store, send) for send in sends]
    reading = read_page(Listing(statuses=OPEN))
    step = advance(reading)
    assert step.atomic  # else a workflow could have two statuses, or none, while several indexes are read
    for after_it in (lambda: finish(store, begun[1]), lambda: None):
        with store.client.pipeline(transaction=step.atomic) as pipe:
            step.queue(pipe)
            answer = pipe.execute()
        after_it()
        step = advance(reading, answer)
    assert [one.workflow_id for one in step.workflows] == ids(sends[2], sends[0])


def reads_of(store, wanted):
    reading, count = read_page(wanted), 0
    step = advance(reading)
    while isinstance(step, Read):
        with store.client.pipeline(transaction=step.atomic) as pipe:
            step.queue(pipe)
            step, count = advance(reading, pipe.execute()), count + 1
    return count


@pytest.mark.parametrize("statuses", [frozenset(), OPEN])
def test_an_ordinary_page_is_two_round_trips(store, statuses):
    for _ in range(80):
        accept(store)
    assert reads_of(store, Listing(limit=50, statuses=statuses)) == 2


def test_the_event_loop_reads_the_same_pages(valkey, store):
    for _ in range(5):
        accept(store, NOON_MS)

    async def read():
        client = async_client(valkey.url)
        theirs = AsyncStore(client)
        first = await theirs.page(Listing(limit=3))
        second = await theirs.page(Listing(limit=3, after=first.next))
        await client.aclose()
        return [first, second]

    assert asyncio.run(read()) == pages(store, 3)


def test_while_valkey_is_away_a_page_says_so():
    (port,) = free_ports(1)

    async def read():
        client = async_client(f"redis://127.0.0.1:{port}/0")
        with pytest.raises(StoreUnavailable):
            await AsyncStore(client).page(Listing())
        await client.aclose()

    asyncio.run(read())
    with pytest.raises(StoreUnavailable):
        Store(sync_client(f"redis://127.0.0.1:{port}/0")).page(Listing())


class Meanwhile:
    """What happens between two reads of a list: drawn by hypothesis, done on the server."""

    def __init__(self, store, created_ms):
        self.store = store
        self.open = [accept(store, NOON_MS + at) for at in created_ms]
        self.begun = []
        self.there_throughout = set(ids(*self.open))
        self.open_throughout = set(ids(*self.open))

    def happens(self, what, which, at):
        if what == "comes":
            self.open.append(accept(self.store, NOON_MS + at))
        elif what == "begins" and self.open:
            send = self.open.pop(which % len(self.open))
            self.begun.append((send, begin(self.store, send)))
        elif what == "ends" and self.begun:
            send, go = self.begun.pop(which % len(self.begun))
            finish(self.store, go)
            self.open_throughout.discard(send.workflow_id)
        elif what == "expires" and self.begun:
            send, _ = self.begun.pop(which % len(self.begun))
            expire(self.store, send)
            self.open_throughout.discard(send.workflow_id)
            self.there_throughout.discard(send.workflow_id)

    def list(self, limit, statuses, acts):
        """All pages, with an act before each read, as long as there are any."""
        found, after, acts = [], None, iter(acts)
        while True:
            reading = read_page(Listing(limit=limit, after=after, statuses=statuses))
            step = advance(reading)
            while isinstance(step, Read):
                self.happens(*next(acts, ("nothing", 0, 0)))
                with self.store.client.pipeline(transaction=step.atomic) as pipe:
                    step.queue(pipe)
                    step = advance(reading, pipe.execute())
            assert len(step.workflows) <= limit
            found += step.workflows
            if step.next is None:
                return found
            after = lists.Cursor.parse(str(step.next))


moments = st.integers(0, 5)
happenings = st.tuples(st.sampled_from(["comes", "begins", "ends", "expires"]), st.integers(0, 1_000), moments)
SCENES = settings(max_examples=60, deadline=None, derandomize=True,
                  suppress_health_check=[HealthCheck.function_scoped_fixture])


@SCENES
@given(created=st.lists(moments, max_size=25), limit=st.integers(1, 8), before=st.lists(happenings, max_size=10),
       acts=st.lists(happenings, max_size=40), statuses=st.sampled_from([frozenset(), OPEN, frozenset(WorkflowStatus)]))
def test_what_is_there_throughout_is_listed_exactly_once(connected, *, created, limit, before, acts, statuses):
    connected.client.flushall()
    scene = Meanwhile(connected, created)
    for act in before:
        scene.happens(*act)
    found = scene.list(limit, statuses, acts)
    places = [(one.created_ms, one.workflow_id) for one in found]
    assert places == sorted(set(places), reverse=True)
    assert all(one.status in statuses for one in found if statuses)
    throughout = scene.open_throughout if statuses == OPEN else scene.there_throughout
    assert throughout <= {one.workflow_id for one in found}


def test_pages_beside_real_traffic(valkey, store):
    """Threads accept, begin and end workflows as fast as they can while the whole list is read again and again."""
    first = [accept(store, NOON_MS + n // 30) for n in range(300)]
    enough = threading.Event()

    def traffic(mine):
        client = sync_client(valkey.url)
        own = Store(client)
        while not enough.is_set():
            mine.append(accept(own))
            finish(own, begin(own, mine.pop(0)))
        client.close()

    workers = [threading.Thread(target=traffic, args=(first[n::2],)) for n in range(2)]
    for worker in workers:
        worker.start()
    try:
        for filters in ({}, {"statuses": frozenset(WorkflowStatus)}) * 4:
            found = listed(store, 7, **filters)
            assert len(found) == len(set(found))
            assert set(ids(*first)) <= set(found)
    finally:
        enough.set()
        for worker in workers:
            worker.join()
    ended = listed(store, 200, statuses=frozenset({WorkflowStatus.SUCCEEDED}))
    assert set(ids(*first)) & set(ended)
    assert len(listed(store, 200)) == 300 + len(ended)
