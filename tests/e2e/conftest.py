"""Browser tests: skipped, with the reason, where there is no Chromium. CI takes that for a failure (`.ci/run`)."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright
from watched import ARGUMENTS, LIMIT_MS, Watched

from tests.browser import NO_BROWSER, chromium_path
from tests.processes import LocalSystem

expect.set_options(timeout=LIMIT_MS)

def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what needs a browser when there is none."""
    if item.get_closest_marker("browser") and not chromium_path():
        pytest.skip(NO_BROWSER)


@pytest.fixture(scope="session")
def chromium() -> str:
    """The Chromium that Playwright starts (`executable_path`)."""
    path = chromium_path()
    assert path, NO_BROWSER
    return path


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        yield running
        running.close()


@pytest.fixture
def open_at(browser: Browser) -> Iterator[Callable[..., Watched]]:
    """Opens a path of a server, with options of the browser; what the page did is checked at the end."""
    opened = []

    def open_one(base_url: str, path: str = "/", refusals=(), **options) -> Watched:
        context = browser.new_context(base_url=base_url, **options)
        watched = Watched(context.new_page(), refusals)
        opened.append((context, watched, base_url))
        watched.page.goto(path)
        return watched

    yield open_one
    for context, _, _ in opened:
        context.close()
    for _, watched, base_url in opened:
        watched.check(base_url)


@pytest.fixture
def visit(open_at: Callable[..., Watched], system: LocalSystem) -> Callable[..., Watched]:
    """The same of the running system; `visit(color_scheme="dark")` and the like set up the browser."""
    return lambda path="/", **options: open_at(system.base_url, path, **options)


@pytest.fixture
def page(visit: Callable[..., Watched]) -> Page:
    return visit().page
