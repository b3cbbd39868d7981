"""axe-core finds nothing on any page in any of its states: light and dark, on a desktop and on a phone."""

from collections.abc import Callable
from http import HTTPStatus

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from api.access.keys import add_key, new_key
from api.access.roles import Role
from tests.processes import LocalSystem, LocalValkey
from tests.running_system import asked, held, opened
from tests.served_api import served_api

pytestmark = pytest.mark.browser

RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"], "resultTypes": ["violations"]}
# In the dark the same elements stand at the same places: what may differ is what axe's rules about colours look at.
COLOURS = {"runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]},
           "resultTypes": ["violations"]}
DESKTOP, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
DRAWN = "[data-chart][data-drawn=yes] svg"
COMPLEX = "average delay by carrier and also the number of flights by month"
MODE = "/agents/viz/mode?to=forced_open"


def check(page: Page) -> None:
    """Run the rules on the page as it stands, in its four looks."""
    axe, found = Axe(), []
    for scheme, rules in (("light", RULES), ("dark", COLOURS)):
        page.emulate_media(color_scheme=scheme)
        for size in (DESKTOP, PHONE):
            page.set_viewport_size(size)
            result = axe.run(page, options=rules)
            found += [f"{scheme}, {size['width']} px: {result.generate_report()}"] * bool(result.violations_count)
    assert not found, "\n".join(found)


def test_a_page_that_cannot_be_used_is_found_out(browser):
    page = browser.new_page()
    page.set_content("<p style='color: #999; background: #aaa'>pale</p><img src='data:,'><input>")
    with pytest.raises(AssertionError, match=r"color-contrast[^!]+image-alt[^!]+label") as found:
        check(page)
    assert "dark, 390 px: Found 1" in str(found.value)
    page.close()


@pytest.fixture(scope="module")
def complex_id(system: LocalSystem) -> str:
    return asked(system, COMPLEX)


def test_an_answer(visit, system):
    page = visit(f"/ask/{asked(system)}").page
    page.wait_for_selector(DRAWN)
    page.get_by_text("How it was answered").click()
    check(page)
    page.goto("/workflows")
    check(page)
    page.goto("/dashboard")
    expect(page.locator(DRAWN)).to_have_count(2)
    check(page)


def test_an_answer_in_parts_and_its_inspector(visit, complex_id):
    page = visit(f"/ask/{complex_id}").page
    page.wait_for_selector(DRAWN)
    check(page)
    page.goto(f"/workflows/{complex_id}?step=nlp&attempt=1")
    page.wait_for_selector(DRAWN)
    expect(page.locator("#inspector")).to_contain_text("Response")
    check(page)


def test_a_refusal_and_a_failure(visit, system):
    refused = asked(system, "average departure delya by carrier")
    with opened(system, "data"):
        failed = asked(system, "flights per day in November")
        page = visit("/agents").page
        expect(page.locator("#notices [data-agent=data]")).to_be_visible()
        check(page)
        page.goto("/dashboard")
        check(page)
    for path in (f"/ask/{refused}", f"/ask/{failed}", f"/workflows/{failed}?only=failures"):
        page.goto(path)
        expect(page.get_by_role("alert")).to_be_visible()
        check(page)


def test_a_stand_in(visit, system):
    with opened(system, "viz"):
        degraded = asked(system, "flights per day in October")
    page = visit(f"/ask/{degraded}").page
    expect(page.get_by_text("Answered with a stand-in.")).to_be_visible()
    check(page)


def test_one_under_way_and_cancelled(visit, system):
    with held(system, "data"):
        workflow_id = asked(system, wait=False)
        page = visit(f"/ask/{workflow_id}").page
        expect(page.get_by_text("Working on it")).to_be_visible()
        check(page)
        page.goto(f"/workflows/{workflow_id}")
        expect(page.locator("#state")).to_contain_text("Running")
        check(page)
        page.get_by_role("button", name="Cancel").click()
        expect(page.locator("#workflow")).to_have_attribute("data-status", "CANCELLED")
    check(page)


@pytest.mark.parametrize("path", ["/agents", MODE, "/workflows?text=no%20such%20question",
                                  "/workflows/cancel/all?text=none", "/workflows/retry/all"])
def test_what_operators_see(visit, path):
    check(visit(path).page)


def test_what_is_not_there(visit):
    page = visit(f"/workflows/{'0' * 32}", refusals=[HTTPStatus.NOT_FOUND]).page
    expect(page.get_by_role("alert")).to_be_visible()
    check(page)
    page.goto(f"/ask/{'0' * 32}")
    check(page)
    page.goto("/dashboard/retry?group=none")
    check(page)


def test_before_anybody_asked_and_while_valkey_is_away(open_at: Callable, valkey: LocalValkey):
    with served_api(valkey.url) as url:
        page = open_at(url, refusals=[HTTPStatus.SERVICE_UNAVAILABLE]).page
        for path in ("/", "/workflows", "/agents", "/dashboard"):
            page.goto(path)
            check(page)
        valkey.kill()
        for path in ("/", "/workflows", "/agents", "/dashboard", f"/workflows/{'0' * 32}"):
            page.goto(path)
            check(page)
        valkey.restart()
        page.context.close()  # before its server


def test_the_login(open_at: Callable, valkey: LocalValkey, tmp_path):
    key, _ = new_key("ann", Role.READ)
    add_key(tmp_path / "keys", key)
    with served_api(valkey.url, API_KEYS_FILE=str(tmp_path / "keys")) as url:
        page = open_at(url, "/login", refusals=[HTTPStatus.UNAUTHORIZED]).page
        check(page)
        page.get_by_label("Your key").fill("a wrong one")
        page.get_by_role("button", name="Log in").click()
        expect(page.get_by_role("alert")).to_be_visible()
        check(page)
        page.context.close()
