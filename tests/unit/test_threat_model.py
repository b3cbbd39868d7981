"""The threat model's lines name tests that are there, and the threats the page promises are all on it."""

import re
from functools import cache

from core.settings import ROOT

PAGE = (ROOT / "docs" / "threat-model.md").read_text()
DEFENDED, _, BARE = PAGE.partition("## What is not defended")
ROW = re.compile(r"^\| (?!they may|it may|---|what \|)(.+) \|$", re.MULTILINE)
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")


@cache
def defined_in(file: str) -> set[str]:
    return set(re.findall(r"^(?:    )?(?:async )?def (test_\w+)\(", (ROOT / file).read_text(), re.MULTILINE))


def test_every_line_names_a_test_that_is_there() -> None:
    rows = [row for row in ROW.findall(DEFENDED) if not row.startswith("--")]
    assert len(rows) >= 35
    for row in rows:
        threat, stops, shown = row.rsplit(" | ", 2)
        assert threat
        assert stops
        named = NAMED.findall(shown)
        assert named, f"no test: {row}"
        for file, test in named:
            assert test in defined_in(file), f"{file} has no {test}"


def test_what_is_not_defended_says_what_to_do_instead() -> None:
    rows = ROW.findall(BARE)
    assert len(rows) >= 5
    for row in rows:
        what, instead = row.rsplit(" | ", 1)
        assert what
        assert len(instead) > 5, row
