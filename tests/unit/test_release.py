"""The release has one number, wherever it is told."""

import re
import tomllib

from api.app import create_app
from core.release import RELEASE
from core.settings import ROOT


def test_package_changelog_api_and_code_name_the_same_release():
    package = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    headings = re.findall(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    newest = next(heading for heading in headings if heading != "Unreleased")
    assert {package, newest, create_app().openapi()["info"]["version"]} == {RELEASE}


def test_the_changelog_has_each_release_once_and_the_newest_first():
    headings = re.findall(r"^## (\d+)\.(\d+)\.(\d+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    numbers = [tuple(map(int, heading)) for heading in headings]
    assert numbers == sorted(set(numbers), reverse=True)
