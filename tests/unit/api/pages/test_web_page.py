import asyncio
import hashlib
import json
import re
from html import unescape

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from agents.contract import DataResult, NlpResult, VizRequest
from agents.viz.chart import draw
from api.pages import ask
from api.pages.examples import MOST, ExampleShelf
from api.problems import Problem
from core.settings import ROOT
from state.errors import StoreUnavailable
from state.model import StepStatus, WorkflowStatus
from tests.unit.api.scripted_desk import EXAMPLES, WORKFLOW_ID, ScriptedDesk, record, step

QUESTION = "average departure delay by carrier"
ROWS = [{"carrier": "AA", "avg_dep_delay": 8.586}, {"carrier": "F9", "avg_dep_delay": 20.2155}]
HOSTILE = "</script><script>alert(1)</script>"
WAITING = record(
    QUESTION, WorkflowStatus.QUEUED, *(step(n, StepStatus.QUEUED, attempt=0) for n in ("nlp", "data", "viz"))
)
DONE = record(QUESTION, WorkflowStatus.SUCCEEDED, *(step(n, StepStatus.SUCCEEDED) for n in ("nlp", "data", "viz")))


def _outputs(rows, columns, **data):
    columns = [{"name": c} if isinstance(c, str) else c for c in columns]
    chart = draw(VizRequest(data=rows, columns=columns, query=QUESTION))
    nlp = NlpResult(
        interpretation="The average of dep_delay.", assumptions=["“Delay” is departure delay."], sql_query="SELECT 1"
    )
    result = DataResult(rows=rows, columns=columns, row_count=len(rows), **data)
    return {"nlp": nlp.model_dump(), "data": result.model_dump(), "viz": chart.model_dump()}


COLUMNS = [{"name": "carrier", "type": "string"}, {"name": "avg_dep_delay", "type": "number", "unit": "minutes"}]
OUTPUTS = _outputs(ROWS, COLUMNS)


def _client(desk):
    app = FastAPI()
    ask.install(app)
    app.state.desk = app.state.breakers = desk
    return TestClient(app, follow_redirects=False)


def _text(html):
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", html)))


def _shown(records, outputs=OUTPUTS):
    reply = _client(ScriptedDesk(records, outputs)).get(f"/ask/{WORKFLOW_ID}")
    assert reply.status_code == 200
    return reply.text


def test_the_first_page_offers_questions_made_from_the_data():
    page = _client(ScriptedDesk([], {})).get("/").text
    assert all(f'value="{question}" data-fill' in page for question in EXAMPLES)
    assert '<label for="question">Your question</label>' in page


def test_an_example_fills_the_box_without_javascript():
    assert (
        ">flights per month</textarea>"
        in _client(ScriptedDesk([], {})).get("/", params={"q": "flights per month"}).text
    )


def test_a_question_is_taken_and_leads_to_its_answer():
    desk = ScriptedDesk([WAITING], {})
    client = _client(desk)
    reply = client.post("/ask", data={"question": f"  {QUESTION} "})
    assert (reply.status_code, reply.headers["location"]) == (303, f"/ask/{WORKFLOW_ID}")
    client.post("/ask", data={"question": "another"})
    (first, session), (second, same_session) = desk.asked
    assert (first, second) == (QUESTION, "another")
    assert session == same_session != ""


@pytest.mark.parametrize(("question", "said"), [("  ", "The box is empty."), ("x" * 3_000, "3,000 characters")])
def test_a_question_that_cannot_be_taken_is_answered_with_a_page(question, said):
    desk = ScriptedDesk([], {})
    reply = _client(desk).post("/ask", data={"question": question})
    assert reply.status_code == 422
    assert said in _text(reply.text)
    assert desk.asked == []


def test_a_refusal_at_the_door_says_what_happened_what_it_means_and_what_to_do():
    refusal = Problem(
        "agent_unavailable",
        "The data agent refuses connections.",
        recovery_action="wait_and_retry",
        suggestions=["Look at its health."],
    )
    reply = _client(ScriptedDesk([], {}, refusal)).post("/ask", data={"question": QUESTION})
    text = _text(reply.text)
    assert reply.status_code == 503
    assert reply.headers["HX-Push-Url"] == "false"
    for part in (
        "The data agent refuses connections.",
        "What it means.",
        "What to do. Wait a moment",
        "Look at its health.",
        "Ask again",
    ):
        assert part in text
    assert f">{QUESTION}</textarea>" in reply.text


def test_a_store_that_is_away_is_a_page_too():
    reply = _client(ScriptedDesk([], {}, StoreUnavailable("away"))).post("/ask", data={"question": QUESTION})
    assert reply.status_code == 503
    assert "goes on by itself" in _text(reply.text)


def test_while_the_store_is_away_the_answer_stands_on_the_page_and_nowhere_else():
    reply = _client(ScriptedDesk([DONE], OUTPUTS, StoreUnavailable("away"))).post("/ask", data={"question": QUESTION})
    assert reply.status_code == 200
    assert reply.headers["HX-Push-Url"] == "false"
    assert "Not recorded." in _text(reply.text)
    assert "20.2" in _text(reply.text)
    assert WORKFLOW_ID in reply.text
    assert re.findall(rf'(?:href|src|hx-get)="[^"]*{WORKFLOW_ID}', reply.text) == []


def test_an_unknown_answer_is_a_page_too():
    reply = _client(ScriptedDesk([WAITING], {})).get(f"/ask/{'f' * 32}")
    assert reply.status_code == 404
    assert "kept for a limited time" in _text(reply.text)


def test_while_it_runs_the_steps_are_there_and_live():
    page = _shown([WAITING])
    assert [label in page for label in ("Understand the question", "Fetch the rows", "Draw the chart")] == [True] * 3
    assert f'sse-connect="/ask/{WORKFLOW_ID}/live"' in page
    assert '<noscript><meta http-equiv="refresh"' in page
    assert 'aria-live="polite"' in page


def test_the_live_stream_shows_each_change_once_and_then_ends():
    working = record(
        QUESTION, WorkflowStatus.RUNNING, step("nlp", StepStatus.RUNNING), step("data", StepStatus.WAITING, attempt=0)
    )
    stream = _client(ScriptedDesk([WAITING, working, working, DONE], OUTPUTS)).get(f"/ask/{WORKFLOW_ID}/live").text
    events = re.findall(r"event: (\w+)", stream)
    assert events == ["steps", "steps", "steps", "end"]
    assert "Working" in stream.split("event: steps")[2]
    assert "Done" in stream.split("event: steps")[3]


@pytest.mark.parametrize(
    ("status", "word"),
    [
        (StepStatus.RETRYING, "Trying again"),
        (StepStatus.HELD, "Held until the agent is back"),
        (StepStatus.RUNNING, "Working"),
    ],
)
def test_a_status_is_a_mark_and_a_word(status, word):
    page = _shown([record(QUESTION, WorkflowStatus.RUNNING, step("nlp", status, attempt=2))])
    assert word in _text(page)
    assert "(attempt 2)" in _text(page)


def test_an_answer_shows_chart_rows_and_how_it_was_understood():
    page = _shown([DONE])
    text = _text(page)
    for part in (
        "Average departure delay (minutes) by carrier",
        "The average of dep_delay.",
        "“Delay” is departure delay.",
        "SELECT 1",
        "2 rows",
        "20.2",
        "8.6",
    ):
        assert part in text
    spec = json.loads(re.search(r'id="spec">(.*?)</script>', page, re.DOTALL)[1])
    assert spec["data"]["values"][1] == {"x": "F9", "y": 20.2155}
    for kind in ("rows.csv", "answer.json", "chart.png", "chart.svg"):
        assert f'href="/api/workflow/{WORKFLOW_ID}/{kind}"' in page
    assert f'<noscript><img src="/api/workflow/{WORKFLOW_ID}/chart.png" alt="A bar chart' in page


def test_many_rows_show_the_first_fifty_and_say_so():
    rows = [{"flight": f"f{n}", "year": 2013, "delay": n * 1000} for n in range(120)]
    page = _shown([DONE], _outputs(rows, ["flight", "year", "delay"], truncated=True))
    assert "The first 50 of 120 rows; the result was cut at its limit, so there are more" in _text(page)
    assert page.count("<tr>") == 51
    assert "49,000" in page
    assert ">2013<" in page


def test_no_rows_are_an_answer():
    assert "No rows match the question." in _text(_shown([DONE], _outputs([], COLUMNS)))


def test_a_stand_in_is_marked():
    data = step(
        "data",
        StepStatus.DEGRADED,
        degradation={"source": "last_good", "reason": "the data agent is down", "age_s": 90.0},
    )
    page = _shown(
        [
            record(
                QUESTION,
                WorkflowStatus.DEGRADED,
                step("nlp", StepStatus.SUCCEEDED),
                data,
                step("viz", StepStatus.SUCCEEDED),
            )
        ]
    )
    assert "The rows come from an earlier answer (last_good, 90 s old): the data agent is down" in _text(page)
    assert "Done with a stand-in" in _text(page)


def _refused(question, **error):
    failed = step(
        "nlp",
        StepStatus.FAILED,
        error={
            "error_type": "question_not_understood",
            "recovery_action": "rephrase",
            "message": "What is that?",
            "suggestions": [],
            **error,
        },
    )
    return _shown([record(question, WorkflowStatus.FAILED, failed, step("data", StepStatus.SKIPPED, attempt=0))], {})


def test_a_refusal_offers_the_question_with_the_word_that_was_meant():
    page = _refused(
        "Average Delya by carrier",
        unmatched=["delya"],
        did_you_mean=["delay"],
        examples=EXAMPLES,
        suggestions=["Did you mean “delay”?", "Name a column."],
    )
    assert '<button name="q" value="Average delay by carrier" data-fill>delay</button>' in page
    assert all(f'value="{question}" data-fill' in page for question in EXAMPLES)
    assert "Name a column." in page
    assert "Did you mean “delay”?" not in page
    assert "Not reached" in page


def test_several_unknown_words_are_told_apart():
    page = _refused("avrage delya", unmatched=["avrage", "delya"], did_you_mean=["delay", "average", "penguin"])
    assert 'value="avrage delay" data-fill>delay<' in page
    assert 'value="average delya" data-fill>average<' in page
    assert "penguin" not in page


def test_hostile_text_stays_text():
    rows = [{"<img src=x>": HOSTILE, "n": 1}, {"<img src=x>": "b", "n": 2}]
    outputs = _outputs(rows, ["<img src=x>", "n"])
    outputs["nlp"]["interpretation"] = HOSTILE
    hostile = record(HOSTILE, WorkflowStatus.SUCCEEDED, step("nlp", StepStatus.SUCCEEDED))
    page = _shown([hostile], outputs)
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert page.count("alert(1)") >= 3


def test_nothing_but_this_server_is_allowed_on_the_page():
    reply = _client(ScriptedDesk([DONE], OUTPUTS)).get(f"/ask/{WORKFLOW_ID}")
    policy = reply.headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert reply.headers["X-Content-Type-Options"] == "nosniff"
    assert reply.headers["Referrer-Policy"] == "same-origin"
    assert re.findall(r'(?:src|href)="(?!/|#)', reply.text) == []
    assert re.findall(r"\son\w+=|\sstyle=", reply.text) == []


def test_every_vendored_file_is_the_one_written_down():
    folder = ROOT / "api" / "pages" / "static" / "vendor"
    listed = dict(re.findall(r"^\| `(\S+)` .*`([0-9a-f]{64})` \|$", (folder / "VENDORED.md").read_text(), re.MULTILINE))
    assert {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in listed} == listed
    assert set(listed) == {path.name for path in folder.glob("*.js")}


def test_the_page_loads_only_files_that_are_there():
    page = _client(ScriptedDesk([], {})).get("/").text
    files = re.findall(r'"/(static/[^"]+)"', page)
    assert len(files) >= 8
    assert [name for name in files if not (ROOT / "api" / "pages" / name).is_file()] == []


def test_examples_that_are_slow_or_gone_do_not_hold_the_page_up():
    now = 0.0
    shelf = ExampleShelf(lambda: now)

    async def many() -> list[str]:
        return [str(n) for n in range(20)]

    async def none() -> list[str]:
        return []

    async def never() -> list[str]:
        await asyncio.Event().wait()
        return ["never"]

    first = asyncio.run(shelf.take(many))
    assert len(first) == MOST
    for fetch in (none, never):
        now += 60
        assert asyncio.run(shelf.take(fetch)) == first
