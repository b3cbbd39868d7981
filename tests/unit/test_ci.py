"""CI does not pass by skipping: without a browser it fails, and says so."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from core.settings import ROOT
from tests import browser


def run_ci(folder: Path, make: str) -> subprocess.CompletedProcess[str]:
    """`.ci/run` with a `make` of the test's own."""
    fake = folder / "make"
    fake.write_text(f"#!/bin/sh\n{make}\n")
    fake.chmod(0o755)
    return subprocess.run([ROOT / ".ci" / "run"], env={**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"},
                          capture_output=True, text=True, check=False)


def test_ci_checks_then_tests(tmp_path: Path) -> None:
    done = run_ci(tmp_path, 'echo "made $1"')
    assert (done.returncode, done.stdout) == (0, "made check\nmade test\n")


@pytest.mark.parametrize("target", ["check", "test"])
def test_ci_fails_with_what_it_calls(tmp_path: Path, target: str) -> None:
    assert run_ci(tmp_path, f'test "$1" != {target}').returncode != 0


def test_ci_fails_without_a_browser(tmp_path: Path) -> None:
    done = run_ci(tmp_path, f'echo "{browser.NO_BROWSER}"')
    assert done.returncode == 1
    assert "browser tests did not run" in done.stderr


def test_without_a_browser_one_line_says_so() -> None:
    done = subprocess.run([sys.executable, "-m", "tests.browser"], cwd=ROOT, capture_output=True, text=True, check=True,
                          env={**os.environ, "CHROMIUM": "/nowhere/chromium"})
    assert done.stdout == f"{browser.NO_BROWSER}\n"


def test_playwright_is_asked_when_the_distribution_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, ...]] = []

    def fails(command: tuple[str, ...], **_: object) -> None:
        asked.append(command)
        raise subprocess.CalledProcessError(100, command)

    monkeypatch.delenv("CHROMIUM", raising=False)
    monkeypatch.setattr(browser, "NAMES", ())
    monkeypatch.setattr(browser, "_downloaded", lambda: None)
    monkeypatch.setattr(browser, "_is_debian_root", lambda: True)
    monkeypatch.setattr(subprocess, "run", fails)
    browser.chromium_path.cache_clear()
    try:
        assert browser.provide() is None
    finally:
        browser.chromium_path.cache_clear()
    assert asked == [browser.DEBIAN[0], browser.PLAYWRIGHT[0]]
