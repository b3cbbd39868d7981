"""A Valkey and an API without workers: the record is written by the test, and read over HTTP."""

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from core.valkey import sync_client
from state.store import Store
from tests.here import settings_here
from tests.processes import LocalValkey


@pytest.fixture(scope="module")
def connected(valkey: LocalValkey) -> Iterator[Store]:
    """The store, connected once a module."""
    client = sync_client(valkey.url)
    yield Store(client)
    client.close()


@pytest.fixture
def store(connected: Store) -> Store:
    """The store, with nothing in it."""
    connected.client.flushall()
    return connected


@pytest.fixture(scope="module")
def api(valkey: LocalValkey) -> Iterator[TestClient]:
    """The API in this process; it keeps running from test to test, whatever is flushed; nobody moves its switch."""
    with settings_here(valkey.url, ROLLOUT_AUTO="false"), TestClient(create_app(), client=("127.0.0.1", 1)) as client:
        yield client
