"""Browser tests: skipped, with the reason, where there is no Chromium. CI takes that for a failure (`.ci/run`)."""

import pytest

from tests.browser import NO_BROWSER, chromium_path


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
