"""What comes with us: exact versions, licences that somebody allowed, an audit that says when it could not be made."""

import json
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from core.settings import ROOT
from deploy import constraints, licences
from deploy.packages import EVERYTHING, RUNTIME, installed, led_to
from deploy.vulnerabilities import audit, verdict

CLEAN = {"name": "redis", "version": "8.1.0", "vulns": []}
SKIPPED = {"name": "own", "skip_reason": "not found"}
BAD = {"name": "jinja2", "version": "2.10", "vulns": [{"id": "CVE-2019-10906", "fix_versions": ["2.10.1"]}]}
LINUX, MAC = ({"sys_platform": name, "python_version": "3.11"} for name in ("linux", "darwin"))
REQUIRES = {
    "web-server": ["loop; sys_platform == 'darwin'", "tls[fast]>=2; extra == 'secure'", "Core_Parts"],
    "tls": ["curves; extra == 'fast'", "old; python_version < '3.11'"],
    "core-parts": ["web.server"],  # a circle
}


@pytest.mark.parametrize(("wanted", "environments", "found"), [
    ("Web.Server", [LINUX], {"web-server", "core-parts"}),
    ("web-server", [LINUX, MAC], {"web-server", "core-parts", "loop"}),
    ("web_server[secure]", [LINUX], {"web-server", "core-parts", "tls", "curves"}),
])
def test_requirements_lead_on_by_extras_and_markers(
        wanted: str, environments: list[dict[str, str]], found: set[str]) -> None:
    reached = led_to([Requirement(wanted)], lambda name: REQUIRES.get(name, ()), environments)
    assert reached.keys() == found


def test_what_is_installed_is_what_is_written_down() -> None:
    assert list(constraints.faults()) == []
    assert installed(EVERYTHING).keys() <= constraints.written().keys()
    assert len(installed(EVERYTHING)) > 120


def test_whatever_installs_the_requirements_keeps_to_the_versions() -> None:
    for file in RUNTIME:
        assert "-c constraints.txt" in (ROOT / file).read_text().splitlines()
    assert {f"-r {file}" for file in RUNTIME} <= set((ROOT / EVERYTHING[-1]).read_text().splitlines())


def test_another_version_and_a_package_that_is_not_written_down_are_told(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pinned = {**constraints.written(), "tornado": "6.0"}
    del pinned["starlette"]
    monkeypatch.setattr(constraints, "FILE", tmp_path / "constraints.txt")
    constraints.FILE.write_text("".join(f"{name}=={version}\n" for name, version in pinned.items()))
    starlette, tornado = constraints.faults()
    assert "starlette" in starlette
    assert "is not in constraints.txt" in starlette
    assert "tornado" in tornado
    assert "6.0 in constraints.txt" in tornado


def test_the_page_is_current_and_every_licence_is_allowed() -> None:
    assert list(licences.faults()) == []
    assert len(installed(RUNTIME)) > 60


def test_every_vendored_package_has_its_line_and_its_licence() -> None:
    vendored, page = licences.vendored(), licences.PAGE.read_text()
    assert {"htmx.org", "vega", "vega-interpreter", "d3-array", "semver"} <= {one.name for one in vendored}
    assert {one.text for one in vendored} == {file.name for file in licences.VENDORED.parent.glob("*.LICENSE")}
    assert [one for one in vendored if f"| {one.name} {one.version} | {one.licence} |" not in page] == []
    inside = {(one.text, f"==== {one.name} {one.version} ({one.licence}) ====") for one in vendored
              if "-bundled" in one.text}
    assert len(inside) > 20
    assert [where for where, heading in inside if heading not in (licences.VENDORED.parent / where).read_text()] == []


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
