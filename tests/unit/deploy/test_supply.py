"""What comes with us: licences that somebody allowed, and an audit that says when it could not be made."""

import json
import sys

import pytest

from deploy import licences
from deploy.vulnerabilities import audit, verdict

CLEAN = {"name": "redis", "version": "8.1.0", "vulns": []}
SKIPPED = {"name": "own", "skip_reason": "not found"}
BAD = {"name": "jinja2", "version": "2.10", "vulns": [{"id": "CVE-2019-10906", "fix_versions": ["2.10.1"]}]}


def test_the_page_is_current_and_every_licence_is_allowed() -> None:
    assert list(licences.faults()) == []
    assert len(licences.runtime_packages()) > 60


def test_each_vendored_file_has_its_line() -> None:
    assert [name for name, _, _ in licences.vendored_files()] == [
        "htmx.org", "htmx-ext-sse", "vega", "vega-lite", "vega-embed"]


@pytest.mark.parametrize(("expression", "allowed"), [
    ("MIT", True), ("MIT AND PSF-2.0", True), ("GPL-3.0-only", False), ("MIT AND GPL-3.0-only", False),
    ("MIT OR GPL-3.0-only", True), ("MPL-2.0 AND (Apache-2.0 OR MIT)", True), ("not said", False), ("", False),
])
def test_a_licence_is_allowed_or_not(expression: str, allowed: bool) -> None:
    assert licences.is_allowed(expression) is allowed


@pytest.mark.parametrize(("packages", "passes", "told"), [
    ([CLEAN], True, "No known vulnerabilities in 1"),
    ([CLEAN, SKIPPED], True, "1 are unknown"),
    ([SKIPPED], True, "NOT AUDITED"),
    ([CLEAN, BAD], False, "jinja2 2.10: CVE-2019-10906, mended in 2.10.1"),
])
def test_the_verdict(packages: list[object], passes: bool, told: str) -> None:
    passed, said = verdict(0, json.dumps({"dependencies": packages}))
    assert passed is passes
    assert told in said


def test_a_feed_that_is_away_or_silent_is_told_in_one_line_and_fails_nothing() -> None:
    for source, limit_s in (("raise OSError('no route to host')", 20.0), ("import time; time.sleep(60)", 0.3)):
        passes, said = audit((sys.executable, "-c", source), limit_s)
        assert passes
        assert said.startswith("NOT AUDITED")
        assert "\n" not in said
