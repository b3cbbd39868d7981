"""The log's words, and the context its lines carry."""

import ast
import json
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import get_args

import pytest

from core.actions import Action
from core.logging import configure, get_logger, in_log
from core.settings import ROOT, get_settings

FLOORS = ("core", "agents", "breakers", "state", "pipeline", "tasks", "api", "faults")
LEVELS = {"debug", "info", "warning", "error", "exception", "critical"}
VOCABULARY = set(get_args(Action))
MODULES = [path for floor in FLOORS for path in (ROOT / floor).rglob("*.py")]


def calls_of(tree: ast.AST) -> Iterator[ast.Call]:
    """Every call of a log."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in LEVELS:
            owner = node.func.value
            if isinstance(owner, ast.Name) and owner.id in {"log", "_log", "logger"}:
                yield node


def words_of(call: ast.Call) -> set[str]:
    """The texts that may be a call's action; what is no text is a variable, which the type checker holds."""
    return {part.value for part in ast.walk(call.args[0]) if isinstance(part, ast.Constant)}


def test_every_line_begins_with_a_word_of_the_vocabulary() -> None:
    said = {word for path in MODULES for call in calls_of(ast.parse(path.read_text())) for word in words_of(call)}
    assert said - VOCABULARY == set()
    assert len(said) > 40


def test_every_word_is_used_and_explained() -> None:
    code = "".join(path.read_text() for path in MODULES if path.name != "actions.py")
    assert {word for word in VOCABULARY if f'"{word}"' not in code} == set()
    page = (ROOT / "docs" / "signals.md").read_text().split("## Logs")[1]
    assert set(re.findall(r"^\| `(\w+)` \| [^|]+ \|$", page, re.MULTILINE)) == VOCABULARY


def test_nobody_has_a_log_of_another_kind() -> None:
    others = [str(path) for path in MODULES if path != ROOT / "core" / "logging.py"
              and re.search(r"structlog\.get_logger|logging\.getLogger", path.read_text())]
    assert others == []


@contextmanager
def json_lines() -> Iterator[None]:
    """Lines are written as JSON."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LOG_FORMAT", "json")
        get_settings.cache_clear()
        configure()
        try:
            yield
        finally:
            root.handlers[:], root.level = before, level
    get_settings.cache_clear()


def test_all_lines_inside_carry_what_they_belong_to(capsys: pytest.CaptureFixture[str]) -> None:
    with json_lines():
        with in_log(workflow_id="w", step="nlp"), in_log(attempt=2):
            get_logger("here").info("step_begun", fence=1)
            logging.getLogger("a.library").warning("said something")
        get_logger("here").info("beat_leads_again")
    ours, theirs, outside = map(json.loads, capsys.readouterr().err.splitlines())
    named = {"workflow_id": "w", "step": "nlp", "attempt": 2}
    assert named.items() <= ours.items()
    assert (ours["event"], ours["fence"], ours["level"]) == ("step_begun", 1, "info")
    assert named.items() <= theirs.items()
    assert not named.keys() & outside.keys()
