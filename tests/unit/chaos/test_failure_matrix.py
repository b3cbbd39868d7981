"""The failure matrix of `docs/failures.md` names every process and boundary, and only tests that exist."""

import re
import subprocess
import sys
from functools import cache

import pytest

from core.settings import ROOT

PAGE = (ROOT / "docs" / "failures.md").read_text()
BOUNDARIES = {"before begin", "during the call", "between finish and the next send", "waiting to retry", "held"}
PROCESSES = {"worker (gevent)", "worker (gevent, short way)", "worker (prefork)", "worker (prefork, one child)",
             "worker (threads)", "beat", "API", "nlp agent", "data agent", "viz agent", "Valkey", "supervisor"}


def rows() -> list[list[str]]:
    lines = [line for line in PAGE.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def named_tests() -> set[str]:
    return set(re.findall(r"`(tests/[^`]+::[^`]+)`", PAGE))


@cache
def existing_tests() -> set[str]:
    files = sorted({name.partition("::")[0] for name in named_tests()})
    listed = subprocess.run([sys.executable, "-m", "pytest", "--collect-only", "-q", *files], cwd=ROOT, text=True,
                            capture_output=True, check=True).stdout
    return {line for line in listed.splitlines() if "::" in line}


def test_every_process_is_killed_at_every_boundary() -> None:
    killed = {(row[0], row[1]) for row in rows()}
    assert {(process, boundary) for process in PROCESSES for boundary in BOUNDARIES} <= killed


def test_every_row_names_a_test() -> None:
    nameless = [row for row in rows() if row[0] not in ("process", "fault") and "::" not in row[-1]]
    assert nameless == []


def test_no_row_names_a_test_that_does_not_exist() -> None:
    there = existing_tests()
    plain = {name.partition("[")[0] for name in there}
    assert {name for name in named_tests() if name not in there and ("[" in name or name not in plain)} == set()


@pytest.mark.parametrize("name", ["tests/chaos/test_boundaries.py::test_killed_at_every_boundary[gevent-nobody]"])
def test_a_name_that_does_not_exist_is_seen(name: str) -> None:
    assert name not in existing_tests()
