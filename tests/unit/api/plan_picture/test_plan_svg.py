import random
import re
import time
from dataclasses import replace
from xml.etree import ElementTree

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from plan_example import EXAMPLE

from api import problems
from api.pages import ask
from api.plan_picture.svg import plan_picture as plan_picture_of
from api.plan_picture.svg import plan_svg, stylesheet
from api.plan_picture.text import fitted
from api.routes import plan_picture
from core.settings import ROOT
from state.errors import StoreUnavailable
from state.model import StepStatus, WorkflowStatus
from tests.unit.api.scripted_desk import WORKFLOW_ID, ScriptedDesk, record, step

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = '</title><script>alert("1")</script>&'


def later(name, after, **more):
    """A step that has not been sent yet."""
    unsent = {"attempt": 0, "queued_ms": None, "started_ms": None, "agent": name.partition("-")[0]}
    return step(name, StepStatus.WAITING, **{**unsent, "after": after, **more})


QUESTION = "compare average delay of United and Delta"
PLAN = record(
    QUESTION,
    WorkflowStatus.RUNNING,
    step("nlp", StepStatus.SUCCEEDED),
    step("data-ua", StepStatus.RETRYING, agent="data", after=("nlp",), attempt=2, optional=True, started_ms=1_800),
    step(
        "data-dl",
        StepStatus.SUCCEEDED,
        agent="data",
        after=("nlp",),
        queued_ms=1_300,
        started_ms=1_700,
        finished_ms=3_000,
    ),
    step("weather", StepStatus.SKIPPED, after=("nlp",), optional=True, error={"message": HOSTILE}, finished_ms=1_400),
    later("compose", ("nlp", "data-ua", "data-dl", "weather")),
)


def parsed(svg):
    return ElementTree.fromstring(svg)  # noqa: S314 - it is our own


def drawn(told):
    return parsed(plan_svg(told))


def boxes(tree):
    return {group.find(f"{SVG}title").text.split(" ")[0]: group for group in tree.findall(f"{SVG}g")}


def texts(group):
    return {text.get("class"): text.text for text in group.iter(f"{SVG}text")}


def test_a_box_tells_name_status_and_times():
    told = {name: texts(group) for name, group in boxes(drawn(PLAN)).items()}
    assert told["data-dl"] == {"mark": "✓", "name": "data-dl", "word": "Done", "note": "1.3 s, waited 400 ms"}
    assert told["data-ua"] == {
        "mark": "↻",
        "name": "data-ua",
        "word": "Trying again",
        "note": "since +800 ms, attempt 2",
    }
    assert told["compose"] == {"mark": "○", "name": "compose", "word": "Waiting"}


def test_optional_steps_and_statuses_are_classes():
    css = {name: group.get("class").split() for name, group in boxes(drawn(PLAN)).items()}
    assert css["data-ua"] == ["late", "optional"]
    assert css["data-dl"] == ["good"]
    for name in ("optional", "idle", "good", "busy", "late", "bad"):
        assert f".plan .{name}" in stylesheet()
    assert "stroke-dasharray" in re.search(r"\.plan \.optional rect \{(.*)\}", stylesheet())[1]
    assert "prefers-color-scheme: dark" in stylesheet()


def test_it_says_in_words_what_it_shows():
    tree = drawn(PLAN)
    assert tree.get("role") == "img"
    assert tree.get("aria-labelledby") == "plan-title plan-description"
    title, description = tree.find(f"{SVG}title"), tree.find(f"{SVG}desc")
    assert (title.get("id"), description.get("id")) == ("plan-title", "plan-description")
    assert title.text == "Plan of 5 steps: 2 done, 1 trying again, 1 left out, 1 waiting"
    assert "data-ua (data, optional) after nlp: trying again, since +800 ms, attempt 2." in description.text


def test_nothing_in_it_is_markup():
    svg = plan_svg(replace(PLAN, steps={**PLAN.steps, HOSTILE: step(HOSTILE, StepStatus.RUNNING, agent=HOSTILE)}))
    tree = parsed(svg)
    assert "<script" not in svg
    assert not list(tree.iter(f"{SVG}script"))
    assert HOSTILE in boxes(tree)["weather"].find(f"{SVG}title").text


def test_what_xml_cannot_hold_is_replaced():
    error = {"message": "\x00\x1b[31mred\ud800"}
    told = replace(PLAN, steps={"a": step("a", StepStatus.FAILED, error=error), **PLAN.steps})
    assert "\N{REPLACEMENT CHARACTER}[31mred" in boxes(drawn(told))["a"].find(f"{SVG}title").text


def test_the_same_record_gives_the_same_picture():
    assert plan_svg(PLAN) == plan_svg(PLAN)


def test_every_text_is_cut_off_at_its_box():
    for group in boxes(drawn(PLAN)).values():
        rect, window = group.find(f"{SVG}rect"), group.find(f"{SVG}svg")
        assert not group.findall(f"{SVG}text")
        assert [window.get(side) for side in ("x", "y", "width", "height")] == [
            rect.get(side) for side in ("x", "y", "width", "height")
        ]


def test_what_does_not_fit_loses_its_middle():
    name = "data-average_departure_delay_of_united_airlines_by_month_and_airport"
    short = fitted(name, 156, 13, bold=True)
    head, tail = short.split("…")
    assert name.startswith(head)
    assert name.endswith(tail)
    assert min(len(head), len(tail)) >= 6
    assert fitted("nlp", 156, 13) == "nlp"
    assert fitted("nlp", 1, 13) == "…"


@pytest.mark.parametrize("shape", ["chain", "fan", "random"])
def test_a_thousand_steps_are_drawn_at_once(shape):
    chance = random.Random(1)
    after = {
        "chain": lambda n: (f"s{n - 1}",),
        "fan": lambda n: ("s0",) if n < 999 else tuple(f"s{other}" for other in range(1, 999)),
        "random": lambda n: tuple({f"s{chance.randrange(max(0, n - 120), n)}" for _ in range(chance.randint(1, 3))}),
    }[shape]
    steps = [step(f"s{n}", chance.choice(list(StepStatus)), after=after(n) if n else ()) for n in range(1_000)]
    told = record("q", WorkflowStatus.RUNNING, *steps)
    took_s = []
    for _ in range(3):
        began = time.process_time()
        svg = plan_svg(told)
        took_s.append(time.process_time() - began)
    assert min(took_s) < 0.2
    assert "Plan of 1,000 steps" in svg


class Store:
    def page(self, wanted):
        raise StoreUnavailable("there is no list")

    async def version(self, workflow_id):
        return "17-0.0" if workflow_id == WORKFLOW_ID else None


@pytest.fixture
def client():
    app = FastAPI()
    problems.install(app)
    app.include_router(plan_picture.router)
    ask.install(app)
    app.state.desk = app.state.breakers = ScriptedDesk([PLAN], {})
    app.state.desk.store = Store()
    return TestClient(app)


def test_the_picture_is_an_address_of_its_own(client):
    reply = client.get(f"/api/workflow/{WORKFLOW_ID}/plan.svg")
    assert (reply.status_code, reply.headers["content-type"]) == (200, "image/svg+xml")
    style = parsed(reply.text).find(f"{SVG}style")
    assert style.text == stylesheet()
    assert "default-src 'none'; style-src 'sha256-" in reply.headers["content-security-policy"]


def test_who_has_it_is_told_so(client):
    url = f"/api/workflow/{WORKFLOW_ID}/plan.svg"
    tag = client.get(url).headers["etag"]
    again = client.get(url, headers={"If-None-Match": tag})
    assert (again.status_code, again.content) == (304, b"")
    assert client.get(url, headers={"If-None-Match": '"16-0.0"'}).status_code == 200


def test_there_is_no_picture_of_nothing(client):
    assert client.get(f"/api/workflow/{'f' * 32}/plan.svg").status_code == 404


def test_the_page_shows_it_for_plans_of_more_than_three_steps(client):
    page = client.get(f"/ask/{WORKFLOW_ID}").text
    assert '<svg xmlns="http://www.w3.org/2000/svg" class="plan"' in page
    assert "/static/plan.css" in page
    assert "<style" not in page
    assert 'class="step ' not in page
    assert 'class="plan"' in client.get(f"/ask/{WORKFLOW_ID}/live").text


def test_the_picture_in_the_docs_is_drawn_by_this_code():
    assert (ROOT / "docs" / "images" / "plan.svg").read_text() == plan_picture_of(EXAMPLE)
