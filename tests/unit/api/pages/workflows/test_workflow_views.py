"""What the pages of workflows show, apart from the timeline: filters, bars, history, buttons, and an attempt."""

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from starlette.datastructures import QueryParams

from api.access.audited import words_in
from api.access.caller import LOCAL, Caller
from api.access.roles import Role
from api.pages import ask
from api.pages.workflows import many as workflows_page
from api.pages.workflows import one as workflow_page
from api.pages.workflows.actions import actions_of
from api.pages.workflows.filters import filters_in
from api.pages.workflows.history import history_lines
from api.pages.workflows.inspector import LONGEST, MOST_ITEMS, abridged
from api.pages.workflows.rows import bar_of
from api.problems import Problem
from pipeline.request_again import request_of
from state.errors import StoreUnavailable
from state.events import Event, EventKind
from state.model import Contents, StepStatus, WorkflowStatus
from state.step_statuses import StepStatuses
from tests.unit.api.scripted_desk import record, step


def test_an_empty_box_asks_for_nothing_and_a_moment_without_a_zone_is_utc():
    form = "status=FAILED&status=QUEUED&text=&failed_agent=&min_duration_ms=&created_before="
    found = filters_in(QueryParams(f"{form}&created_after=2026-01-31T10:00"))
    assert found.wanted.statuses == {WorkflowStatus.FAILED, WorkflowStatus.QUEUED}
    assert (found.text, found.min_duration_ms, found.created_before) == ("", 0, None)
    assert found.at("created_after") == "2026-01-31T10:00"
    assert found.wanted.from_ms == 1_769_853_600_000
    assert not filters_in(QueryParams("text=&cursor=")).given


def test_the_filters_of_a_page_lead_to_its_next_page():
    first = filters_in(QueryParams("status=FAILED&text=a%26b&created_after=2026-01-31T10:00"))
    again = filters_in(QueryParams(first.url(cursor="x" * 32)))
    assert again.cursor == "x" * 32
    assert again.url() == first.url()


@pytest.mark.parametrize("query", ["status=NOTHING", "min_duration_ms=soon", "created_after=yesterday"])
def test_a_filter_that_cannot_be_read_is_refused(query):
    with pytest.raises(Problem, match="cannot be read"):
        filters_in(QueryParams(query))


def test_a_bar_tells_in_words_what_it_shows():
    statuses = StepStatuses({"nlp": StepStatus.FAILED, "data": StepStatus.SKIPPED}, 5)
    bar = bar_of(statuses, WorkflowStatus.FAILED)
    assert bar.says == "nlp: failed, data: not reached, 3 more"
    assert [one.look.css for one in bar.segments] == ["bad", "idle"]


def test_history_names_the_wait_the_error_and_who_wanted_it():
    error = {"error_type": "circuit_open", "message": "m"}
    events = [
        Event("1-0", EventKind.RETRYING, "data", "RETRYING", 1_500,
              {"attempt": "2", "called": "no", "wait_ms": "1500", "error": error}),
        Event("2-0", EventKind.CANCEL_REQUESTED, "", "QUEUED", 1_600, {"actor": "ann", "reason": "wrong month"}),
        Event("3-0", EventKind.ENDED, "", "CANCELLED", 1_700, {"message": ""}),
    ]
    retry, cancel, ended = history_lines(events, 1_000)
    assert (retry.told, retry.after, retry.failure) == (
        "attempt 2, waits 1.5 s for the breaker, circuit_open: m", "+500 ms", True)
    assert cancel.told == "by ann, “wrong month”"
    assert (ended.told, ended.look.css, ended.failure) == ("cancelled", "idle", False)


@pytest.mark.parametrize("kind", EventKind)
def test_every_kind_of_event_has_a_line(kind):
    (line,) = history_lines([Event("1-0", kind, "", "SUCCEEDED", 1, {})], 0)
    assert line.look.word


@pytest.mark.parametrize(("status", "enabled"), [
    (WorkflowStatus.QUEUED, ["cancel", "pause"]), (WorkflowStatus.PAUSED, ["cancel", "resume"]),
    (WorkflowStatus.FAILED, ["retry"]), (WorkflowStatus.SUCCEEDED, ["retry"]),
])
def test_a_button_is_enabled_or_says_why_not(status, enabled):
    actions = actions_of(record("q", status, step("nlp", StepStatus.FAILED)), LOCAL)
    assert [one.verb for one in actions if not one.why_not] == enabled
    assert all(one.why_not for one in actions if one.verb not in enabled)


def test_who_may_only_read_has_no_button():
    actions = actions_of(record("q", WorkflowStatus.QUEUED, step("nlp", StepStatus.QUEUED)), Caller("k", Role.READ))
    assert {one.why_not for one in actions} == {"It takes a key with the role ask."}


def test_an_inspected_body_is_cut_and_says_so():
    shown = abridged({"rows": list(range(100)), "sql": "x" * 5_000})
    assert (len(shown["rows"]), shown["rows"][-1]) == (MOST_ITEMS + 1, "… 80 more")
    assert len(shown["sql"]) < LONGEST + 50


def test_the_request_of_a_step_is_made_again_from_the_record():
    data = step("data", StepStatus.FAILED)
    whole = record("q", WorkflowStatus.FAILED, step("nlp", StepStatus.SUCCEEDED), data)
    contents = Contents({"query": "q", "query_id": "i"}, {"nlp": {"sql_query": "SELECT 1"}})
    assert request_of(whole, contents, data)["sql_query"] == "SELECT 1"
    assert request_of(whole, contents, step("data", StepStatus.QUEUED, attempt=0)) is None


@pytest.mark.parametrize("body", [b'{"reason": "maintenance", "actor": "ann"}', b"reason=maintenance&actor=ann"])
def test_the_audit_reads_the_reason_of_a_form_too(body):
    assert words_in(body) == ("ann", "maintenance")


def test_a_body_that_is_neither_has_no_reason():
    assert words_in(b"\xff\x00[") == ("", "")


class Away:
    """A desk, and its store, while Valkey is away."""

    def __init__(self) -> None:
        self.store = self

    async def gone(self, *_args, **_more):
        raise StoreUnavailable("away")

    page = read = record = gone


def test_while_the_store_is_away_the_pages_say_so_and_can_be_left():
    app = FastAPI()
    ask.install(app)
    app.include_router(workflows_page.router)
    app.include_router(workflow_page.router)
    app.state.desk = Away()
    client = TestClient(app)
    for path in ("/workflows", f"/workflows/{'0' * 32}"):
        reply = client.get(path)
        assert reply.status_code == 503
        assert "The store is away" in reply.text
        assert '<a href="/workflows" aria-current="page">Workflows</a>' in reply.text
    news = client.get("/workflows/news", params={"watch": "0" * 32})
    assert news.status_code == 503
    assert "reconnecting: Valkey is away" in news.text
