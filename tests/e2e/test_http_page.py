"""docs/http.md against the routes there are, their roles, and a running system: each example is run as it stands."""

import json
import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from api.access.roles import rule_of
from api.app import create_app
from core.settings import ROOT
from tests.processes import LocalSystem, wait_for

PAGE = (ROOT / "docs" / "http.md").read_text()
SECTION = re.compile(r"^### `(?P<method>[A-Z]+) (?P<path>\S+)`\n(?P<text>.*?)(?=^##|\Z)", re.MULTILINE | re.DOTALL)
EXAMPLE = re.compile(r"```sh\n(?P<command>.*?)```\n```(?P<kind>json|text)\n(?P<answer>.*?)```", re.DOTALL)


@dataclass(frozen=True)
class Section:
    method: str
    path: str
    text: str

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"


SECTIONS = [Section(found["method"], found["path"], found["text"]) for found in SECTION.finditer(PAGE)]


def test_every_route_has_one_section_and_no_other() -> None:
    paths = create_app().openapi()["paths"]
    routes = sorted(f"{method.upper()} {path}" for path, methods in paths.items() for method in methods)
    assert sorted(section.name for section in SECTIONS) == routes


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.name)
def test_it_names_the_role_a_route_needs_and_has_an_example(section: Section) -> None:
    rule = rule_of(section.method, section.path.replace("{agent}", "nlp"))
    assert rule
    assert section.text.startswith(f"Role `{rule.role}`." if rule.role else "Open.")
    (example,) = EXAMPLE.finditer(section.text)
    method = re.search(r"-X (\w+)", example["command"])
    assert (method[1] if method else "POST" if " -d " in example["command"] else "GET") == section.method


@pytest.fixture(scope="module")
def ended(system: LocalSystem) -> str:
    """A workflow that has ended well."""
    body = {"query": "average departure delay by carrier"}
    reply = requests.post(f"{system.base_url}/api/query", json=body, timeout=60)
    assert reply.json()["status"] == "SUCCEEDED"
    url = f"{system.base_url}/api/health/agents"
    wait_for(lambda: requests.get(url, timeout=5).json()["status"] == "healthy", "all agents to be seen", 30)
    return str(reply.json()["workflow_id"])


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.name)
def test_the_example_runs_and_answers_as_shown(section: Section, system: LocalSystem, ended: str,
                                               tmp_path: Path) -> None:
    example = EXAMPLE.search(section.text)
    assert example
    settled = f"{system.base_url}/api/workflow/{ended}/status"
    wait_for(lambda: requests.get(settled, timeout=5).json()["final"], "the end of an earlier example", 30)
    done = subprocess.run(["bash", "-euc", example["command"]], cwd=tmp_path, capture_output=True, timeout=60,
                          check=False, env={**os.environ, "BATON": system.base_url, "ID": ended})
    said = done.stdout.decode(errors="replace")
    assert done.returncode == 0, said + done.stderr.decode()
    if example["kind"] == "json":
        assert missing(json.loads(example["answer"]), json.loads(said)) == []
    else:
        assert example["answer"].strip() in said


def missing(shown: Any, real: Any, place: str = "") -> list[str]:
    """What the page shows and the answer has not: fields, kinds of values, and plain words and numbers of state."""
    if isinstance(shown, dict):
        if not isinstance(real, dict):
            return [place]
        gone = [f"{place}.{name}" for name in shown.keys() - real.keys()]
        there = [name for name in shown if name in real]
        return gone + [fault for name in there for fault in missing(shown[name], real[name], f"{place}.{name}")]
    if isinstance(shown, list):
        if not isinstance(real, list) or (shown and not real):
            return [place]
        return [fault for one in shown[:1] for fault in missing(one, real[0], f"{place}[0]")]
    if shown is None:  # nothing there when the page was written
        return []
    differs = shown != real if place.rpartition(".")[2] in TELLING else type(shown) is not type(real)
    return [f"{place}: {real!r}"] if differs else []


TELLING = frozenset({"status", "error_type", "chart_type", "state", "mode", "final", "changed", "window", "path"})
