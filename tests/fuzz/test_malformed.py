"""Malformed requests, from the API's own document and a seed: each is refused with a problem, none leaves anything."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest

from tests.chaos.arena import LocalApi
from tests.fuzz.front import judged, recorded, refuse_all
from tests.fuzz.malformed import Malformed, malformed, request
from tests.processes import LocalValkey

MANY, SEED = 500, 1
GOOD = b'{"query": "average departure delay by carrier"}'


@pytest.fixture(scope="module")
def api(valkey: LocalValkey, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalApi]:
    """No worker and no agent: whatever is taken stays."""
    one = LocalApi(tmp_path_factory.mktemp("api"), {"REDIS_URL": valkey.url, "DATA": "", "ALLOWED_HOSTS": ""})
    try:
        one.ready()
        yield one
    finally:
        one.teardown()


def test_each_is_refused_with_a_problem_and_nothing_is_recorded(api: LocalApi, valkey: LocalValkey) -> None:
    found = refuse_all(api.url, valkey.url, MANY, SEED)
    assert found.faults == []
    assert found.recorded == 0
    assert found.kinds.total() == MANY
    assert len(found.kinds) == 9
    assert min(found.kinds.values()) >= 5, found.kinds
    assert set(found.statuses) == {400, 404, 405, 413, 422}


def test_what_is_good_is_seen_as_not_refused_and_recorded(api: LocalApi, valkey: LocalValkey) -> None:
    """The judge can fail."""
    before = recorded(valkey.client)
    headers = [("Content-Type", "application/json"), ("Prefer", "respond-async")]
    status, fault = judged(api.url, Malformed("good", request("POST", "/api/query", GOOD, headers)))
    assert (status, "answered 202" in fault) == (202, True)
    assert recorded(valkey.client) - before


def test_the_same_seed_gives_the_same_requests(tmp_path: Path) -> None:
    document = {"paths": {"/a/{b}": {"get": {"parameters": [
        {"in": "path", "name": "b", "schema": {"type": "integer"}}]}}}}
    one, same, other = (list(islice(malformed(document, seed), 50)) for seed in (1, 1, 2))
    assert one == same != other
