"""A bundled agent's lines say which call they belong to."""

import pytest
import structlog
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from agents.call_log import LONGEST, CallLog


async def work(request: Request) -> JSONResponse:
    """Answers with what its lines would carry."""
    if request.query_params:
        raise RuntimeError("broken")
    return JSONResponse(structlog.contextvars.get_contextvars())


@pytest.fixture
def agent() -> TestClient:
    app = Starlette(routes=[Route("/process", work, methods=["GET", "POST"])])
    return TestClient(CallLog(app), raise_server_exceptions=False)


HEADERS = {"X-Workflow-Id": "a" * 32, "X-Step": "nlp", "X-Attempt": "2"}


def test_headers_name_the_call(agent: TestClient) -> None:
    with structlog.testing.capture_logs(processors=[structlog.contextvars.merge_contextvars]) as lines:
        reply = agent.post("/process", headers=HEADERS)
    assert reply.json() == {"workflow_id": "a" * 32, "step": "nlp", "attempt": 2}
    (line,) = lines
    assert line["event"] == "call_answered"
    assert (line["workflow_id"], line["step"], line["attempt"]) == ("a" * 32, "nlp", 2)
    assert (line["path"], line["status"]) == ("/process", 200)
    assert structlog.contextvars.get_contextvars() == {}


def test_a_call_that_breaks_has_its_line_too(agent: TestClient) -> None:
    with structlog.testing.capture_logs() as lines:
        agent.post("/process?break=1", headers=HEADERS)
    assert [line["status"] for line in lines] == [500]


def test_what_is_only_looked_at_has_no_line_and_headers_are_cut(agent: TestClient) -> None:
    with structlog.testing.capture_logs() as lines:
        reply = agent.get("/process", headers={"X-Step": "s" * 900, "X-Attempt": "many"})
    assert reply.json() == {"step": "s" * LONGEST, "attempt": "many"}
    assert lines == []
