"""Two cells, each with a Valkey of its own: an id names its cell, and a wrong one is told which is right."""

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from pipeline.cell import new_workflow_id, other_cell
from tests.here import settings_here


@pytest.fixture(params=["3f", ""], ids=["cell 3f", "no cells"])
def cell(request, valkey):
    with settings_here(valkey.url, CELL=request.param), TestClient(create_app(), client=("127.0.0.1", 1)) as client:
        yield request.param, client


def test_a_workflow_begins_with_its_cell_and_is_found_there(cell):
    name, api = cell
    accepted = api.post("/api/workflow", json={"query": "q"})
    assert accepted.status_code == 202
    workflow_id = accepted.json()["workflow_id"]
    assert workflow_id.startswith(name)
    assert len(workflow_id) == 32
    assert api.get(f"/api/workflow/{workflow_id}/status").json()["status"] == "QUEUED"


@pytest.mark.parametrize(("method", "path"), [("GET", ""), ("GET", "/status"), ("GET", "/events"), ("POST", "/cancel")])
def test_a_workflow_of_another_cell_is_told_where_it_is(cell, method, path):
    name, api = cell
    reply = api.request(method, f"/api/workflow/{new_workflow_id('a0')}{path}")
    if not name:
        assert reply.status_code == 404
        return
    assert (reply.status_code, reply.json()["error_type"], reply.json()["cell"]) == (421, "other_cell", "a0")


def test_ids_differ_and_are_as_long_with_cells_as_without():
    ids = {new_workflow_id(cell) for cell in ("", "00", "ff") for _ in range(100)}
    assert len(ids) == 300
    assert {len(one) for one in ids} == {32}
    assert other_cell(new_workflow_id("ff"), "ff") == other_cell("00" * 16, "") == ""
