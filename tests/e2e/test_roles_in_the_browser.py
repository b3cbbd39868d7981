"""Keys in a real browser: the way in and out, and what who may not do something sees instead."""

import re
from http import HTTPStatus

import pytest
import requests
from playwright.sync_api import expect
from test_away import log_in

from api.access.keys import add_key, new_key
from api.access.roles import Role
from tests.served_api import served_api

pytestmark = pytest.mark.browser
ACTIONS = ("Cancel", "Pause", "Resume", "Run again")


@pytest.fixture(scope="module")
def keyed(valkey, tmp_path_factory):
    """An API that asks for keys, the keys by role, and a workflow that waits for a worker."""
    file, shown = tmp_path_factory.mktemp("keys") / "keys", {}
    for role in Role:
        key, shown[role] = new_key(f"{role}-key", role)
        add_key(file, key)
    with served_api(valkey.url, API_KEYS_FILE=str(file)) as url:
        reply = requests.post(f"{url}/api/workflow", json={"query": "flights per month"}, timeout=10,
                              headers={"Authorization": f"Bearer {shown[Role.ASK]}"})
        yield url, shown, reply.json()["workflow_id"]


@pytest.fixture
def enter(keyed, open_at):
    """A page of somebody who has logged in."""
    url, shown, _ = keyed

    def entered(role: Role):
        page = open_at(url, "/login").page
        log_in(page, shown[role])
        return page

    return entered


def test_the_way_in_leads_to_where_one_wanted_to_go_and_the_way_out_is_a_button(keyed, open_at):
    url, shown, _ = keyed
    page = open_at(url, "/agents", [HTTPStatus.UNAUTHORIZED]).page
    page.get_by_label("Your key").fill("read-key.wrong")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("alert")).to_have_text("There is no such key.")
    page.get_by_label("Your key").fill(shown[Role.READ])
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Agents")
    page.get_by_role("button", name="Log out read-key").click()
    expect(page.get_by_role("alert")).to_have_text("You are logged out.")
    page.goto("/dashboard")
    expect(page.get_by_role("heading", level=1)).to_have_text("Log in")


def test_a_reader_sees_all_and_each_button_says_what_it_takes(keyed, enter):
    _, _, workflow_id = keyed
    page = enter(Role.READ)
    expect(page.get_by_role("button", name="Ask", exact=True)).to_be_disabled()
    expect(page.locator("#why-not")).to_have_text("Asking takes a key with the role ask.")
    page.goto(f"/workflows/{workflow_id}")
    for name in ACTIONS:
        button = page.locator("#state").get_by_role("button", name=name)
        expect(button).to_be_disabled()
        expect(button).to_have_attribute("title", "It takes a key with the role ask.")
    sees_no_power_over_many(page)
    page.goto("/agents/viz/mode?to=disabled")
    expect(page.get_by_role("alert")).to_contain_text("Your key does not allow that")


def test_who_may_ask_asks_and_controls_one(enter):
    page = enter(Role.ASK)
    page.get_by_label("Your question").fill("flights per day")
    page.get_by_role("button", name="Ask", exact=True).click()
    page.wait_for_url(re.compile("/ask/[0-9a-f]{32}$"))
    expect(page.get_by_text("Working on it")).to_be_visible()
    page.goto(page.url.replace("/ask/", "/workflows/"))
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator("#state")).to_contain_text("Cancelled")
    expect(page.locator("#events")).to_contain_text("by page (key ask-key)")
    sees_no_power_over_many(page)


def test_an_admin_is_named_where_who_acts_is_asked_for(enter):
    page = enter(Role.ADMIN)
    page.goto("/workflows")
    page.get_by_label("Choose all on this page").check()
    expect(page.get_by_role("button", name="Cancel chosen")).to_be_enabled()
    page.goto("/agents")
    page.locator("#agent-viz").get_by_role("button", name="Switch off").click()
    expect(page.get_by_label("Who you are")).to_have_value("admin-key")
    page.get_by_label("Why").fill("a look at it")
    page.get_by_role("button", name="Switch off").click()
    expect(page.locator("#agent-viz")).to_contain_text("Switched off")
    expect(page.locator("#agent-viz")).to_contain_text("(admin-key (key admin-key): a look at it)")


def sees_no_power_over_many(page) -> None:
    page.goto("/workflows")
    expect(page.get_by_text("takes a key with the role admin")).to_be_visible()
    assert page.locator("[name=ids]").count() == page.get_by_role("button", name="chosen").count() == 0
    assert page.get_by_role("link", name="Cancel all").count() == 0
    page.goto("/agents")
    for button in page.locator(".modes button").all():
        expect(button).to_be_disabled()
    expect(page.get_by_text("needs a key with the role admin").first).to_be_visible()
