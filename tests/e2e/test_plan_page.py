"""The picture of a plan in a real browser: every text is inside its box, in light and in dark."""

import pytest
import requests
from playwright.sync_api import expect

from api.plan_picture.svg import plan_picture
from state.model import Mode, StepRecord, StepStatus, WorkflowRecord, WorkflowStatus

pytestmark = pytest.mark.browser

NAMES = ["nlp", "W" * 64, "m" * 64, "data-average_departure_delay_of_united_by_month", "A_B-" * 16, "iiiillll" * 8, "x"]
# By how much the widest text is wider than what is left of its box; the boxes' own colours.
MEASURE = """() => [...document.querySelectorAll("g > svg")].flatMap((box) => [...box.querySelectorAll("text")].map(
  (text) => [text.textContent, text.getBBox().x + text.getBBox().width - box.width.baseVal.value]))"""
FILL = """() => getComputedStyle(document.querySelector("g rect")).fill"""


def record(count: int = 1) -> WorkflowRecord:
    names = [f"{name}{number or ''}" for number in range(count) for name in NAMES]
    statuses, error = list(StepStatus), {"message": "m" * 500}
    steps = {name: StepRecord(name, "w" * 32, "agents.w", statuses[at % len(statuses)], tuple(names[:at][-1:]),
                              12, 0, 0, 1, "", 1, 100_000, 100_000, 7_000_000, error, None, optional=True)
             for at, name in enumerate(names)}
    return WorkflowRecord("0" * 32, WorkflowStatus.RUNNING, Mode.INTERACTIVE, 0, 0, None, 1, "", steps)


@pytest.mark.parametrize("count", [1, 30])
def test_every_text_is_inside_its_box(browser, tmp_path, count):
    picture = tmp_path / "plan.svg"
    picture.write_text(plan_picture(record(count)))
    fills = {}
    for scheme in ("light", "dark"):
        page = browser.new_page(color_scheme=scheme)
        page.goto(picture.as_uri())
        over = page.evaluate(MEASURE)
        assert len(over) > 1
        assert [text for text, by in over if by > 0] == []
        fills[scheme] = page.evaluate(FILL)
        page.close()
    assert fills == {"light": "rgb(255, 255, 255)", "dark": "rgb(27, 32, 39)"}


def test_the_page_of_a_plan_shows_its_picture(visit, system):
    rows = [{"name": f"rows-{number}", "agent": "data", "input": {"sql_query": "SELECT 1 AS n"}} for number in range(3)]
    join = {"name": "both", "agent": "compose", "after": [row["name"] for row in rows]}
    asked = {"query": "three and all of them", "steps": [*rows, join]}
    workflow_id = requests.post(f"{system.base_url}/api/workflow", json=asked, timeout=10).json()["workflow_id"]
    page = visit(f"/ask/{workflow_id}").page
    page.wait_for_selector("#answer[data-state=done]")
    page.get_by_text("How it was answered").click()
    expect(page.get_by_role("img", name="Plan of 4 steps: 4 done")).to_be_visible()
    assert page.locator(".picture g").count() == 4
    assert page.evaluate(FILL).startswith("rgb(")
    assert page.evaluate(FILL) != "rgb(0, 0, 0)"
    page.goto(f"/api/workflow/{workflow_id}/plan.svg")
    assert page.evaluate(FILL) == "rgb(255, 255, 255)"
