"""The pages of workflows in a real browser: the list, one workflow, and every button."""

import re

import pytest
import requests
from playwright.sync_api import expect

from tests.running_system import asked, held

pytestmark = pytest.mark.browser


def test_the_list_is_walked_by_keys_filtered_by_its_url_and_stands_still(page, system):
    first, failed = asked(system), asked(system, "average departure delya by carrier")
    page.goto("/workflows")
    expect(page.get_by_role("navigation").get_by_role("link", name="Workflows")).to_have_attribute(
        "aria-current", "page")
    top = page.locator("[data-open]").first
    expect(top).to_have_attribute("href", f"/workflows/{failed}")
    bar = page.locator(f"#b-{failed} svg")
    expect(bar).to_have_attribute("aria-label", re.compile("nlp: failed, data: not reached"))
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    expect(top).to_be_focused()
    asked(system, "how many flights are there")
    expect(page.locator("#news .pill")).to_have_text("1 new")
    expect(top).to_be_focused()
    page.keyboard.press("/")
    expect(page.get_by_label("Question contains")).to_be_focused()
    page.keyboard.type("DEPARTURE delay by")
    page.get_by_role("button", name="Show").click()
    page.wait_for_url("**text=DEPARTURE*")
    expect(page.locator(f"#w-{failed}")).to_have_count(0)
    page.locator(f"#w-{first} a").focus()
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/workflows/{first}")


def test_a_status_that_changes_is_shown_in_its_row_and_many_are_cancelled_with_a_reason(page, system):
    with held(system, "nlp"):
        one, two = asked(system, wait=False), asked(system, wait=False)
        page.goto("/workflows?status=QUEUED&status=RUNNING")
        page.locator(f"#w-{one} input").check()
        page.get_by_label("Reason").fill("maintenance")
        page.get_by_role("button", name="Cancel chosen").click()
        expect(page.locator(".said")).to_contain_text("1 of 1 cancelled")
        expect(page.locator(f"#w-{one}")).to_have_count(0)
        page.goto("/workflows")
        expect(page.locator(f"#s-{one}")).to_contain_text("Cancelled")
    expect(page.locator(f"#s-{two}")).to_contain_text("Succeeded")
    page.locator(f"#w-{one} input").check()
    page.get_by_label("Reason").fill("it is over")
    page.get_by_role("button", name="Run chosen again").click()
    expect(page.locator(".said")).to_contain_text("1 of 1 run again")
    expect(page.locator(f"#s-{one}")).to_contain_text("Succeeded")
    entries = requests.get(f"{system.base_url}/api/audit", timeout=10).json()["entries"]
    assert [(entry["target"], entry["reason"]) for entry in entries[:2]] == [
        ("/workflows/retry", "it is over"), ("/workflows/cancel", "maintenance")]


def test_one_workflow_is_watched_paused_resumed_and_answered(page, system):
    with held(system, "data"):
        workflow_id = asked(system, wait=False)
        page.goto(f"/workflows/{workflow_id}")
        expect(page.locator("#state")).to_contain_text("Running")
        expect(page.get_by_role("button", name="Resume")).to_be_disabled()
        expect(page.get_by_role("button", name="Run again")).to_have_attribute("title", "It has not ended.")
        page.get_by_label("Reason").fill("a look at it")
        page.get_by_role("button", name="Pause").click()
        expect(page.locator("#state")).to_contain_text("Paused")
        expect(page.locator("#events")).to_contain_text("by page, “a look at it”")
        page.get_by_role("button", name="Resume").click()
        expect(page.locator("#state")).to_contain_text("Running")
    expect(page.locator("#workflow")).to_have_attribute("data-status", "SUCCEEDED")
    page.wait_for_selector("[data-chart][data-drawn=yes] svg")
    ids = page.locator("#events tr").evaluate_all("rows => rows.map((row) => row.id)")
    assert len(ids) == len(set(ids))
    assert len(ids) == len(requests.get(f"{system.base_url}/api/workflow/{workflow_id}/events", timeout=10)
                           .text.split("id: ")) - 1
    page.get_by_role("link", name=re.compile(r"attempt \d of data")).last.click()
    inspector = page.locator("#inspector")
    expect(inspector).to_contain_text("SELECT carrier")
    expect(inspector).to_contain_text(workflow_id)
    assert re.search(rf"/workflows/{workflow_id}\?step=data&attempt=\d$", page.url)
    page.reload()
    expect(inspector).to_contain_text('"carrier": "F9"')


def test_a_failure_says_what_went_wrong_and_is_run_again(page, system):
    workflow_id = asked(system, "average departure delya by carrier")
    page.goto(f"/workflows/{workflow_id}?only=failures")
    expect(page.get_by_role("alert")).to_contain_text("delya")
    expect(page.locator("#events tr")).to_have_count(4)
    page.get_by_role("link", name="All events").click()
    expect(page.locator("#events tr")).to_have_count(6)
    page.get_by_role("button", name="Run again").click()
    expect(page.locator("#events")).to_contain_text("round 1")
    expect(page.locator("#workflow")).to_have_attribute("data-status", "FAILED")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_needs_no_scrolling_sideways(visit, system, scheme):
    workflow_id = asked(system)
    page = visit(viewport={"width": 390, "height": 844}, color_scheme=scheme).page
    for path in ("/workflows", f"/workflows/{workflow_id}?step=data"):
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth") == 390
