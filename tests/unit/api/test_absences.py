"""Between the events of a live page it is told when Valkey cannot be heard, and when it can again."""

import asyncio
from types import SimpleNamespace

from api import absences
from api.absences import Reach, with_absences


def test_absences_are_told_between_the_events_and_the_end_ends_it(monkeypatch):
    monkeypatch.setattr(absences, "LOOK_S", 0.01)

    async def told():
        watcher, go_on = SimpleNamespace(listening=True), asyncio.Event()

        async def events():
            yield "begun"
            await go_on.wait()
            yield "ended"

        found = []
        async for one in with_absences(events(), watcher):
            found.append(one)
            watcher.listening = one is not found[0]  # away after the first, back after that
            if one is Reach.BACK:
                go_on.set()
        return found

    assert asyncio.run(told()) == ["begun", Reach.AWAY, Reach.BACK, "ended"]


def test_a_reader_who_leaves_ends_what_is_followed(monkeypatch):
    monkeypatch.setattr(absences, "LOOK_S", 0.01)
    closed = []

    async def events():
        try:
            yield "begun"
            await asyncio.Event().wait()
        finally:
            closed.append(True)

    async def read_one():
        following = with_absences(events(), SimpleNamespace(listening=True))
        assert await anext(following) == "begun"
        await following.aclose()
        await asyncio.sleep(0)

    asyncio.run(read_one())
    assert closed == [True]
