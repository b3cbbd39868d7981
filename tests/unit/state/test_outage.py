import asyncio

import pytest
import redis

from core.store_fault import StoreFault
from state import outage as outages
from state.errors import StoreUnavailable
from state.outage import PATIENCE_S, REPORT_PATIENCE_S, Outage, repeating


@pytest.fixture(autouse=True)
def _looks_often(monkeypatch):
    monkeypatch.setattr(outages, "LOOK_AGAIN_S", 0.001)


class Server:
    """Says `error` until it is told otherwise."""

    def __init__(self, error=None):
        self.error, self.looks = error or redis.ConnectionError("refused"), 0

    async def look(self):
        self.looks += 1
        if self.error:
            raise self.error


def call(outage, server, *, writes=False):
    with outage.watched(writes=writes):
        if server.error:
            raise server.error


async def settled(condition):
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - the flag has no event of its own
            await asyncio.sleep(0)


def test_after_an_absence_callers_fail_at_once_until_a_look_finds_it_back():
    async def story():
        server = Server()
        outage = Outage(server.look)
        with pytest.raises(StoreUnavailable):
            call(outage, server)
        assert outage.fault is StoreFault.AWAY
        await settled(lambda: server.looks >= 2)
        server.error = None
        with pytest.raises(StoreUnavailable):  # nobody has looked since: nobody is to wait for a look
            call(outage, server)
        await settled(lambda: not outage.fault)
        call(outage, server)

    asyncio.run(story())


def test_while_it_takes_no_writes_who_only_reads_goes_on():
    async def story():
        server = Server(redis.OutOfMemoryError("full"))
        outage = Outage(server.look)
        with pytest.raises(StoreUnavailable):
            call(outage, server, writes=True)
        full, server.error = server.error, None
        with pytest.raises(StoreUnavailable) as refused:  # nobody has looked since
            call(outage, server, writes=True)
        assert refused.value.fault is StoreFault.FULL
        call(outage, server)
        assert outage.fault is StoreFault.FULL
        server.error = redis.ConnectionError("refused")
        await settled(lambda: outage.fault is StoreFault.AWAY)
        server.error = full
        await settled(lambda: outage.fault is StoreFault.FULL)
        server.error = None
        await settled(lambda: outage.fault is None)
        call(outage, server, writes=True)

    asyncio.run(story())


def test_other_errors_are_no_absence():
    async def story():
        outage = Outage(Server().look)
        with pytest.raises(redis.ResponseError), outage.watched():
            raise redis.ResponseError("WRONGTYPE")
        assert outage.fault is None

    asyncio.run(story())


def test_an_agent_s_answer_is_worth_more_patience():
    assert repeating("finish")["stop"].max_delay == REPORT_PATIENCE_S
    assert repeating("begin")["stop"].max_delay == PATIENCE_S
