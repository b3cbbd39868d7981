import asyncio

import pytest
import redis

from state.errors import StoreUnavailable
from state.outage import PATIENCE_S, REPORT_PATIENCE_S, Outage, repeating


class Server:
    """Away until it is told otherwise."""

    def __init__(self):
        self.away, self.looks = True, 0

    async def ping(self):
        self.looks += 1
        if self.away:
            raise redis.ConnectionError("refused")


def call(outage, server):
    with outage.watched():
        if server.away:
            raise redis.ConnectionError("refused")


async def settled(condition):
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - the flag has no event of its own
            await asyncio.sleep(0)


def test_after_an_absence_callers_fail_at_once_until_a_look_finds_it_back():
    async def story():
        server = Server()
        outage = Outage(server.ping, every_s=0.001)
        with pytest.raises(StoreUnavailable):
            call(outage, server)
        assert outage.up
        await settled(lambda: server.looks >= 2)
        server.away = False
        with pytest.raises(StoreUnavailable):  # nobody has looked since: nobody is to wait for a look
            call(outage, server)
        await settled(lambda: not outage.up)
        call(outage, server)

    asyncio.run(story())


def test_other_errors_are_no_absence():
    async def story():
        outage = Outage(Server().ping)
        with pytest.raises(redis.ResponseError), outage.watched():
            raise redis.ResponseError("WRONGTYPE")
        assert not outage.up

    asyncio.run(story())


def test_an_agent_s_answer_is_worth_more_patience():
    assert repeating("finish")["stop"].max_delay == REPORT_PATIENCE_S
    assert repeating("begin")["stop"].max_delay == PATIENCE_S
