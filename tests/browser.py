"""A Chromium for the browser tests; `python -m tests.browser` gets one before they start, if one can be had."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
DEBIAN = (("apt-get", "update", "-qq"),
          ("apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium", "fonts-dejavu-core"))
PLAYWRIGHT = ((sys.executable, "-m", "playwright", "install", "chromium"),)
LIMIT_S = 600
NO_BROWSER = ("NO BROWSER: browser tests are skipped. Install Chromium (Debian: apt-get install chromium), "
              "or set CHROMIUM to the path of one.")


@cache
def chromium_path() -> str | None:
    """An installed Chromium: `$CHROMIUM`, one on the PATH, or Playwright's own download."""
    if given := os.environ.get("CHROMIUM"):
        return shutil.which(given)
    found = (shutil.which(name) for name in NAMES)
    return next((path for path in found if path), None) or _downloaded()


def _downloaded() -> str | None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = Path(playwright.chromium.executable_path)
    return str(path) if path.exists() else None


def provide() -> str | None:
    """The path of a Chromium, installed first if need be: the distribution's with root, else Playwright's."""
    if (found := chromium_path()) or "CHROMIUM" in os.environ:
        return found
    ways = [DEBIAN, PLAYWRIGHT] if _is_debian_root() else [PLAYWRIGHT]
    return next((path for commands in ways if (path := _install(commands))), None)


def _is_debian_root() -> bool:
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def _install(commands: Sequence[Sequence[str]]) -> str | None:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    try:
        for command in commands:
            print(f"No Chromium yet: {' '.join(command)}", flush=True)
            subprocess.run(command, check=True, timeout=LIMIT_S, env=environment)
    except (OSError, subprocess.SubprocessError) as error:
        print(f"That did not work: {error}", flush=True)
    chromium_path.cache_clear()
    return chromium_path()


if __name__ == "__main__":
    print(provide() or NO_BROWSER)
