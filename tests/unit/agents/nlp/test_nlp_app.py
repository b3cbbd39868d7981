"""The nlp agent over HTTP, with a data agent that answers from memory."""

import gc
from collections.abc import Iterator

import httpx
import pytest
from fastapi.testclient import TestClient
from library import connect, library_schema

from agents.nlp import app as nlp_app
from agents.nlp import in_process
from agents.nlp.refusal import SchemaUnavailableError
from agents.nlp.schema_source import SchemaSource


class DataAgent:
    """Publishes the library's schema; may be away, and counts how often it was asked."""

    def __init__(self) -> None:
        self.schema, self.away, self.asked = library_schema(connect()), False, 0

    def answer(self, request: httpx.Request) -> httpx.Response:
        assert request.url.path == "/schema"
        self.asked += 1
        return httpx.Response(503) if self.away else httpx.Response(200, json=self.schema.model_dump(mode="json"))


@pytest.fixture(autouse=True)
def collected() -> Iterator[None]:
    yield
    gc.unfreeze()


@pytest.fixture
def data_agent() -> DataAgent:
    return DataAgent()


@pytest.fixture
def now_s() -> list[float]:
    return [1000.0]


@pytest.fixture
def source(data_agent: DataAgent, now_s: list[float]) -> SchemaSource:
    client = httpx.Client(transport=httpx.MockTransport(data_agent.answer))
    return SchemaSource(client, "http://data", clock=lambda: now_s[0])


@pytest.fixture
def client(source: SchemaSource, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    for module in (nlp_app, in_process):
        monkeypatch.setattr(module, "schema_source", lambda: source)
    with TestClient(nlp_app.app) as client:
        yield client


def test_a_question_is_answered_in_the_standard_dialect(client: TestClient) -> None:
    reply = client.post("/process", json={"query": "average fine by branch", "query_id": "q1"}).json()
    assert reply["success"] is True
    assert reply["sql_query"].startswith("SELECT branch, AVG(fine_eur) AS avg_fine_eur FROM loans")
    assert reply["intent"]["visualization_hint"] == "auto"
    assert reply["intent"]["metric_type"] == "avg_fine_eur"
    assert reply["processing_path"] == "rules"
    assert reply["coverage"] == 1.0
    assert None not in reply["intent"].values()


def test_a_question_with_several_parts_is_answered_with_several_queries(client: TestClient) -> None:
    reply = client.post("/process", json={"query": "average fine by branch; how many members are there?"}).json()
    assert reply["success"] is True
    assert reply["sql_query"] == ""
    assert [query["name"] for query in reply["queries"]] == ["fine_branch", "members"]
    assert [query["question"] for query in reply["queries"]] == ["average fine by branch", "how many members are there"]
    assert reply["queries"][1]["sql_query"] == "SELECT COUNT(*) AS num_members FROM members"
    assert reply["queries"][0]["intent"]["metric_type"] == "avg_fine_eur"
    assert all(query["after"] == [] for query in reply["queries"])
    assert reply["interpretation"] == "The average fine per branch, highest first. The number of members."
    assert reply["intent"]["metric_type"] == "avg_fine_eur, num_members"


def test_a_refusal_names_the_part(client: TestClient) -> None:
    reply = client.post("/process", json={"query": "average fine by branch; average mileage by genre"})
    assert reply.status_code == 422
    assert "“average mileage by genre”" in reply.json()["error"]["message"]


def test_a_refusal_says_what_to_do(client: TestClient) -> None:
    reply = client.post("/process", json={"query": "average mileage by branch"})
    error = reply.json()["error"]
    assert reply.status_code == 422
    assert error["error_type"] == "question_not_understood"
    assert error["unmatched"] == ["mileage"]
    assert error["suggestions"]
    assert error["examples"]


def test_examples_are_answered(client: TestClient) -> None:
    examples = client.get("/examples").json()
    assert len(examples) >= 5
    for example in examples:
        assert client.post("/process", json={"query": example}).status_code == 200, example


def test_without_a_schema_it_says_503(client: TestClient, data_agent: DataAgent) -> None:
    data_agent.away = True
    reply = client.post("/process", json={"query": "how many loans"})
    assert reply.status_code == 503
    assert reply.json()["error"]["error_type"] == "agent_unavailable"
    assert reply.headers["Retry-After"]
    assert client.get("/health").json()["schema"] == "unavailable"


def test_a_request_without_a_question_is_rejected_in_the_contracts_form(client: TestClient) -> None:
    reply = client.post("/process", json={"query": ""})
    assert reply.status_code == 422
    assert reply.json()["error"]["error_type"] == "rejected"


def test_the_schema_is_asked_for_once_a_minute(source: SchemaSource, data_agent: DataAgent, now_s: list[float]) -> None:
    first = source.get()
    source.get()
    assert data_agent.asked == 1
    now_s[0] += 61
    assert source.get() is first
    assert data_agent.asked == 2


def test_a_new_version_makes_a_new_planner(source: SchemaSource, data_agent: DataAgent, now_s: list[float]) -> None:
    first = source.get()
    data_agent.schema = data_agent.schema.model_copy(update={"version": "2"})
    now_s[0] += 61
    assert source.get().schema.version == "2"
    assert source.get().planner is not first.planner


def test_the_last_schema_serves_while_the_data_agent_is_away(
    source: SchemaSource, data_agent: DataAgent, now_s: list[float]
) -> None:
    first = source.get()
    data_agent.away = True
    now_s[0] += 61
    assert source.get() is first


def test_no_schema_ever_is_an_error(source: SchemaSource, data_agent: DataAgent) -> None:
    data_agent.away = True
    with pytest.raises(SchemaUnavailableError):
        source.get()
