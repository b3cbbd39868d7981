"""What is done to all workflows that a filter fits: in parts, with Valkey away in between; real Valkey, no workers."""

import re
from http import HTTPStatus

import pytest
import requests
from playwright.sync_api import expect

from api.access.keys import add_key, new_key
from api.access.roles import Role
from api.pages.workflows.history import ON_A_PAGE as EVENTS_ON_A_PAGE
from state.listing import MOST
from tests.served_api import served_api

pytestmark = pytest.mark.browser
MANY = MOST + 10  # two parts


@pytest.fixture(scope="module")
def url(valkey):
    with served_api(valkey.url) as url, requests.Session() as session:
        for number in range(MANY + 5):
            query = "flights per month" if number < MANY else "another question"
            session.post(f"{url}/api/workflow", json={"query": query}, timeout=10).raise_for_status()
        yield url


def left(url, **filters):
    return requests.get(f"{url}/api/workflow", params={"limit": MOST, **filters}, timeout=10).json()["workflows"]


def counted(page) -> int:
    """How many there are, as the page that asks says."""
    return int(re.search(r"all (\d+) that fit", page.get_by_role("heading", level=1).inner_text())[1])


def test_they_are_counted_confirmed_cancelled_in_parts_and_told(open_at, url):
    page = open_at(url, "/workflows?text=PER+month").page
    page.get_by_role("link", name="Cancel all that fit").click()
    heading = page.get_by_role("heading", level=1)
    expect(heading).to_have_text(f"Cancel: all {MANY} that fit?")
    requests.post(f"{url}/api/workflow", json={"query": "flights per month, later"}, timeout=10)  # is not meant
    page.get_by_label("Reason").fill("maintenance")
    sent = []
    page.on("request", lambda request: sent.append(request) if request.method == "POST" else None)
    page.get_by_role("button", name=f"Cancel: {MANY}").click()
    expect(heading).to_have_text(f"{MANY} of {MANY} cancelled")
    assert len(sent) == 2
    expect(page.get_by_text("All that fit were looked at.")).to_be_visible()
    page.get_by_role("link", name="Back to the list").click()
    expect(page.get_by_label("Question contains")).to_have_value("PER month")
    assert [one["query"] for one in left(url, status="QUEUED", text="per month")] == ["flights per month, later"]
    audit = requests.get(f"{url}/api/audit", timeout=10).json()["entries"]
    assert [(entry["target"], entry["reason"]) for entry in audit] == [("/workflows/cancel/all", "maintenance")] * 2


def test_while_valkey_is_away_it_waits_and_then_goes_on(open_at, url, valkey):
    requests.post(f"{url}/api/workflow/cancel", json={"text": "flights per month"}, timeout=30).raise_for_status()
    page = open_at(url, "/workflows?status=CANCELLED", refusals=[HTTPStatus.SERVICE_UNAVAILABLE]).page
    page.get_by_role("link", name="Run all that fit again").click()
    count = counted(page)
    page.get_by_label("Reason").fill("it is over")
    valkey.kill()
    page.get_by_role("button", name=f"Run again: {count}").click()
    expect(page.get_by_role("status")).to_contain_text("Valkey is away")
    expect(page.get_by_role("heading", level=1)).to_have_text(f"0 of {count}")
    valkey.restart()
    expect(page.get_by_role("heading", level=1)).to_have_text(f"{count} of {count} run again", timeout=20_000)
    assert left(url, status="CANCELLED") == []


def test_it_is_refused_without_a_reason_and_where_nothing_can_be_done(open_at, url):
    page = open_at(url, "/workflows?status=QUEUED", refusals=[HTTPStatus.UNPROCESSABLE_ENTITY]).page
    page.get_by_role("link", name="Run all that fit again").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Run again: none of these can be")
    page.get_by_role("link", name="Back to the list").click()
    page.get_by_role("link", name="Cancel all that fit").click()
    page.get_by_label("Reason").fill("  ")
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("alert")).to_contain_text("There is no reason given")
    page.goto("/workflows/cancel/all?text=another")
    page.get_by_label("Reason").fill("a form that lost its filters")
    page.locator("[name=fits]").evaluate("field => field.remove()")
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("alert")).to_contain_text("the form is not as it was")
    assert len(left(url, status="QUEUED")) == MOST


def test_whoever_leaves_the_page_leaves_the_rest(open_at, url):
    page = open_at(url, "/workflows", java_script_enabled=False).page
    page.get_by_role("link", name="Cancel all under way").click()
    page.get_by_label("Reason").fill("half of them")
    count = counted(page)
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(f"{MOST} of")
    page.get_by_role("link", name="Stop here").click()
    assert len(left(url, status="QUEUED")) == count - MOST


def test_a_long_list_and_a_long_history_are_walked_page_by_page(open_at, url):
    with requests.Session() as session:
        workflow_id = left(url, status="QUEUED")[0]["workflow_id"]
        for verb in ("pause", "resume") * (EVENTS_ON_A_PAGE // 2 + 1):
            session.post(f"{url}/api/workflow/{workflow_id}/{verb}", timeout=10).raise_for_status()
    page = open_at(url, f"/workflows/{workflow_id}").page
    expect(page.locator("#events tr:not(.older)")).to_have_count(EVENTS_ON_A_PAGE)
    page.get_by_role("link", name="Earlier events").click()
    expect(page.locator("#events tr").last).to_contain_text("Accepted")
    expect(page.get_by_role("link", name="Earlier events")).to_have_count(0)
    page.goto("/workflows")
    newest = page.locator("[data-open]").first.get_attribute("href")
    page.get_by_role("link", name="Older").click()
    page.wait_for_url("**cursor=*")
    assert page.locator("[data-open]").first.get_attribute("href") != newest
    page.get_by_role("link", name="Newest").click()
    expect(page.locator("[data-open]").first).to_have_attribute("href", newest or "")


def test_it_is_for_admins(url, valkey, tmp_path):
    key, shown = new_key("ann", Role.ASK)
    add_key(tmp_path / "keys", key)
    with served_api(valkey.url, API_KEYS_FILE=str(tmp_path / "keys")) as keyed:
        for send in (requests.get, requests.post):
            reply = send(f"{keyed}/workflows/cancel/all", headers={"Authorization": f"Bearer {shown}"},
                         allow_redirects=False, timeout=10)
            assert reply.headers["location"].startswith("/login?why=403")
