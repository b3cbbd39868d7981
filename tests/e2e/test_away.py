"""Valkey goes away under every page, and comes back: each says so, and goes on by itself; with keys and without."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus

import pytest
import requests
from playwright.sync_api import Page, expect

from api.access.keys import add_key, new_key
from api.access.roles import Role
from tests.served_api import served_api

pytestmark = pytest.mark.browser
LIVE, AWAY = re.compile("live", re.IGNORECASE), re.compile("Valkey is away|reconnecting", re.IGNORECASE)
LIMIT_MS = 20_000
# Where each page tells it.
PAGES = {"/workflows": "#news", "/workflows/{id}": ".top", "/ask/{id}": ".reach", "/agents": "#badge",
         "/dashboard": "#badge"}


@contextmanager
def killed(valkey) -> Iterator[None]:
    valkey.kill()
    try:
        yield
    finally:
        valkey.restart()


def log_in(page: Page, key: str) -> None:
    page.goto("/login")
    page.get_by_label("Your key").fill(key)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_label("Your question")).to_be_visible()


@pytest.mark.parametrize("keyed", [False, True], ids=["open", "with keys"])
def test_each_page_says_that_valkey_is_away_and_recovers(open_at, valkey, tmp_path, keyed):
    key, shown = new_key("ann", Role.ADMIN)
    add_key(tmp_path / "keys", key)
    with served_api(valkey.url, API_KEYS_FILE=str(tmp_path / "keys") if keyed else "") as url, \
            requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {shown}"
        workflow_id = session.post(f"{url}/api/workflow", json={"query": "flights per month"}).json()["workflow_id"]
        home = open_at(url, "/login", [HTTPStatus.SERVICE_UNAVAILABLE]).page
        if keyed:
            log_in(home, shown)
        told = {path: home.context.new_page() for path in PAGES}
        for path, page in told.items():
            page.goto(path.format(id=workflow_id))
            expect(page.locator(PAGES[path])).to_contain_text(LIVE, timeout=LIMIT_MS)
        with killed(valkey):
            for path, page in told.items():
                expect(page.locator(PAGES[path])).to_contain_text(AWAY, timeout=LIMIT_MS)
            if not keyed:  # else nobody knows who asks, and the page is left as it was
                expect(home.locator("#beside")).to_contain_text("Valkey is away", timeout=LIMIT_MS)
            late = home.context.new_page()
            late.goto("/workflows")
            expect(late.get_by_role("heading", level=1)).to_have_text("Valkey is away")
        for path, page in told.items():
            expect(page.locator(PAGES[path])).to_contain_text(LIVE, timeout=LIMIT_MS)
        expect(late.get_by_role("heading", level=1)).to_have_text("Workflows", timeout=LIMIT_MS)
        expect(home.locator(".asked")).to_contain_text("flights per month", timeout=LIMIT_MS)
        session.post(f"{url}/api/workflow/{workflow_id}/pause").raise_for_status()
        expect(told["/workflows/{id}"].locator("#state")).to_contain_text("Paused", timeout=LIMIT_MS)
        expect(told["/workflows"].locator(f"#s-{workflow_id}")).to_contain_text("Paused", timeout=LIMIT_MS)
        home.context.close()  # before its server
