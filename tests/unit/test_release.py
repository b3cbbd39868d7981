"""The release has one number, wherever it is told."""

import hashlib
import re
import tarfile
import tomllib

from api.app import create_app
from core.release import RELEASE
from core.settings import ROOT
from tests.releases import FOLDER, archive


def test_package_changelog_api_and_code_name_the_same_release():
    package = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    headings = re.findall(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    newest = next(heading for heading in headings if heading != "Unreleased")
    assert {package, newest, create_app().openapi()["info"]["version"]} == {RELEASE}


def test_the_changelog_has_each_release_once_and_the_newest_first():
    headings = re.findall(r"^## (\d+)\.(\d+)\.(\d+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    numbers = [tuple(map(int, heading)) for heading in headings]
    assert numbers == sorted(set(numbers), reverse=True)


def test_the_previous_release_is_the_one_written_down():
    row = re.compile(r"^\| `(\S+)` \| `([0-9a-f]{40})` \| `([0-9a-f]{64})` \|$", re.MULTILINE)
    with tarfile.open(archive()) as packed:
        commit = packed.pax_headers["comment"]  # git's own note
    sums = (archive().name, commit, hashlib.sha256(archive().read_bytes()).hexdigest())
    assert row.findall((FOLDER / "README.md").read_text()) == [sums]
