"""The buttons and links that no other browser test presses, on the running system."""

import re

import pytest
import requests
from playwright.sync_api import Page, expect

from tests.running_system import asked, breaker, held, opened

pytestmark = pytest.mark.browser
PAGES = {"Ask": "/", "Workflows": "/workflows", "Agents": "/agents", "Dashboard": "/dashboard"}


def test_the_navigation_leads_to_each_page_and_marks_it(page):
    for name, path in PAGES.items():
        page.get_by_role("navigation", name="Pages").get_by_role("link", name=name).click()
        page.wait_for_url(f"**{path}")
        expect(page.get_by_role("navigation", name="Pages").locator("[aria-current=page]")).to_have_text(name)
    page.get_by_role("link", name="Baton").click()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.get_by_role("link", name="Skip to the answer").focus()
    page.keyboard.press("Enter")
    assert page.url.endswith("#answer")


def test_a_failure_can_be_asked_again(page, system):
    with opened(system, "data"):
        failed = asked(system, "flights per day in December")
    page.goto(f"/ask/{failed}")
    page.get_by_role("button", name="Ask again").click()
    page.wait_for_selector("#answer[data-state=done] [data-drawn=yes]")
    page.get_by_text("How it was answered").click()
    page.locator(".how").get_by_role("link").click()
    expect(page.locator("#workflow")).to_have_attribute("data-status", "SUCCEEDED")


def test_ids_and_commands_are_copied_and_a_step_is_run_again(visit, system):
    page = visit(f"/workflows/{(workflow_id := asked(system))}", permissions=["clipboard-read", "clipboard-write"]).page
    page.get_by_role("button", name="Copy id").click()
    expect(page.locator("[data-copied]")).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == workflow_id
    page.get_by_role("button", name="Copy curl").click()
    page.wait_for_function("id => navigator.clipboard.readText().then((text) => text !== id)", arg=workflow_id)
    assert page.evaluate("navigator.clipboard.readText()") == f"curl -s {system.base_url}/api/workflow/{workflow_id}"
    page.get_by_role("link", name="Failures only").click()
    expect(page.locator("#history")).to_contain_text("Nothing went wrong.")
    page.get_by_label("Run again from").select_option("viz")
    page.get_by_role("button", name="Run again").click()
    expect(page.locator("#events")).to_contain_text("round 1")
    expect(page.locator("#workflow")).to_have_attribute("data-status", "SUCCEEDED")


def test_one_under_way_is_cancelled(page, system):
    with held(system, "data"):
        page.goto(f"/workflows/{asked(system, wait=False)}")
        page.get_by_role("button", name="Cancel").click()
        expect(page.locator("#state")).to_contain_text("Cancelled")


def test_the_list_is_filtered_by_each_of_its_fields(page, system):
    with opened(system, "data"):
        failed = asked(system, "flights per day in May")
    page.goto("/workflows")
    page.locator(".chip").filter(has_text="Failed").locator("input").check()
    page.get_by_label("Failed agent").select_option("data")
    page.get_by_label("From (UTC)").fill("2020-01-01T00:00")
    page.get_by_label("To (UTC)").fill("2099-01-01T00:00")
    page.get_by_role("button", name="Show", exact=True).click()
    page.wait_for_url("**status=FAILED*")
    expect(page.locator(f"#w-{failed}")).to_be_visible()
    assert len(re.findall("status=FAILED|failed_agent=data|created_after=2020|created_before=2099", page.url)) == 4
    page.get_by_label("Lasted at least").select_option("600000")
    page.get_by_role("button", name="Show", exact=True).click()
    expect(page.get_by_text("No workflow fits these filters.")).to_be_visible()
    page.get_by_role("search").get_by_role("link", name="Show all").click()
    page.wait_for_url("**/workflows")
    newest = asked(system)
    page.locator("#news .pill").click()
    expect(page.locator("[data-open]").first).to_have_attribute("href", f"/workflows/{newest}")


@pytest.mark.parametrize(("label", "mode", "told"), [
    ("Force open", "forced_open", "Forced open: every call is refused"),
    ("Switch off", "disabled", "Switched off: every call goes on, none is judged"),
])
def test_each_mode_of_a_breaker_is_set_and_taken_back(page, system, label, mode, told):
    card = page.locator("#agent-viz")
    page.goto("/agents")
    card.get_by_role("button", name=label).click()
    page.get_by_role("link", name="Leave it as it is").click()
    assert breaker(system, "viz")["mode"]["mode"] == "auto"
    for button, word, now in ((label, told, mode), ("Back to automatic", "Automatic", "auto")):
        card.get_by_role("button", name=button).click()
        page.get_by_label("Who you are").fill("ann")
        page.get_by_label("Why").fill("a look at it")
        page.get_by_role("button", name=button).click()
        expect(card).to_contain_text(word)
        assert breaker(system, "viz")["mode"]["mode"] == now


def test_the_dashboard_leads_on(page, system):
    failed = asked(system, "how many elephants were on board")
    page.goto("/dashboard")
    for name, window in (("24 hours", "24h"), ("7 days", "7d"), ("15 minutes", "15m"), ("1 hour", "1h")):
        page.get_by_role("navigation", name="Window").get_by_role("link", name=name).click()
        page.wait_for_url(f"**window={window}")
        expect(page.locator("[aria-current=true]")).to_have_text(name)
    group = page.locator("#errors tr").filter(has_text="question_not_understood").first
    group.get_by_role("link", name="Run again").click()
    page.get_by_role("link", name="Leave them").click()
    group.get_by_role("link", name="See one").click()
    expect(page.get_by_role("alert")).to_be_visible()
    assert requests.get(f"{system.base_url}/api/workflow/{failed}", timeout=10).json()["status"] == "FAILED"
    page.go_back()
    assert flower_answers(page)


def flower_answers(page: Page) -> bool:
    """Whether the link leads to a Flower that answers; another origin, so not in this browser."""
    link = page.get_by_role("link", name="Tasks in Flower").get_attribute("href")
    return requests.get(link or "", timeout=10).ok
