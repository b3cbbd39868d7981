"""One opened data set of flights for all tests of the data agent; it cannot be changed, so it may be shared."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from agents.contract import DataSchema
from agents.data.app import DataSet, app, load
from agents.data.guard import Guard
from agents.data.relations import relations
from agents.data.schema import build_schema
from agents.data.source import Limits, Source, open_source
from core.settings import Settings

MAX_ROWS = 1_000
MEMORY_MB = 256
PENGUINS = Path(__file__).resolve().parents[3] / "data" / "penguins.csv"

Open = Callable[..., tuple[Source, DataSchema]]


@pytest.fixture(scope="package")
def data_set() -> DataSet:
    return load(Settings(_env_file=None, data="", data_memory_limit_mb=MEMORY_MB, data_max_rows=MAX_ROWS))


@pytest.fixture(scope="package")
def client(data_set: DataSet) -> Iterator[TestClient]:
    """The real app on the real flights; a fault of the server is an answer 500, as over the wire."""
    app.state.data_set = data_set
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


@pytest.fixture(scope="package")
def guard(data_set: DataSet) -> Guard:
    connection = data_set.source.connection
    return Guard(connection, relations(connection), data_set.schema, max_rows=MAX_ROWS)


@pytest.fixture
def opened() -> Iterator[Open]:
    """Opens data of any kind and closes it after the test."""
    sources: list[Source] = []

    def open_(path: Path | str) -> tuple[Source, DataSchema]:
        source = open_source(str(path), Limits(memory_mb=MEMORY_MB, threads=1))
        sources.append(source)
        return source, build_schema(source)

    yield open_
    for source in sources:
        source.connection.close()
