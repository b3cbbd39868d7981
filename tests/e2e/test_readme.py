"""The README's examples are run as they stand; only the ports are this test's own."""

import os
import re
import subprocess
import sys
from dataclasses import dataclass

import pytest
import requests

from core.settings import ROOT
from tests.processes import LocalProcess, LocalSystem, answers, free_ports

README = (ROOT / "README.md").read_text()
MAKE_RUN = re.compile(r"^(?P<settings>(?:[A-Z_]+=\S+ )+)make run$", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    language: str
    text: str
    section: str


def blocks():
    found, section = [], ""
    for match in re.finditer(
        r"^## (?P<section>[^\n]+)$|^```(?P<language>\w*)\n(?P<text>.*?)^```$", README, re.MULTILINE | re.DOTALL
    ):
        if match["section"]:
            section = match["section"]
        else:
            found.append(Block(match["language"], match["text"], section))
    return found


def in_section(section, language):
    (block,) = [block for block in blocks() if (block.section, block.language) == (section, language)]
    return block.text


def run(text, system, language="sh"):
    """Run a block as a reader would in a shell or in Python, against `system`."""
    here = text.replace("http://127.0.0.1:8000", system.base_url)
    command = ["bash", "-euc", here] if language == "sh" else [sys.executable, "-c", here]
    environment = {**os.environ, **system.environment, "PYTHON": sys.executable}
    return subprocess.run(command, cwd=ROOT, env=environment, text=True, capture_output=True, timeout=100, check=False)


ASK = [block for block in blocks() if block.section == "Ask" and block.language in ("sh", "python")]


def test_the_readme_has_its_examples():
    assert [block.language for block in ASK] == ["sh", "sh", "python"]
    assert len(MAKE_RUN.findall(README)) == 2


@pytest.mark.parametrize("block", ASK, ids=["shell", "curl", "python"])
def test_asking_works_as_written(block, system):
    done = run(block.text, system, block.language)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "SUCCEEDED" in done.stdout or "Chart" in done.stdout


def settings_of(section):
    text = README.partition(f"## {section}\n")[2].partition("\n## ")[0]
    return dict(pair.split("=", 1) for pair in MAKE_RUN.search(text)["settings"].split())


def test_your_own_data_as_written(tmp_path):
    own = LocalSystem(tmp_path, settings_of("Bring your own data"))
    try:
        own.ready()
        done = run(in_section("Bring your own data", "sh"), own)
        assert done.returncode == 0, done.stdout + done.stderr
        assert all(species in done.stdout for species in ("Adelie", "Chinstrap", "Gentoo"))
    finally:
        own.teardown()


def test_your_own_agent_as_written(tmp_path):
    (tmp_path / "my_agent.py").write_text(in_section("Bring your own agents", "python"))
    (port,) = free_ports(1)

    class MyAgent(LocalProcess):
        def up(self):
            return answers(f"http://127.0.0.1:{port}/health")

    agent = MyAgent(
        [sys.executable, "-m", "uvicorn", "--app-dir", str(tmp_path), "my_agent:app", "--port", str(port)], tmp_path
    )
    (setting,) = settings_of("Bring your own agents")
    own = LocalSystem(tmp_path, {setting: f"http://127.0.0.1:{port}"})
    try:
        agent.ready()
        own.ready()
        answer = requests.post(f"{own.base_url}/api/query", json={"query": "how many?"}, timeout=60).json()
        assert answer["interpretation"] == "You asked: how many?"
        assert answer["result"]["data"] == [{"flights": 336_776}]
    finally:
        own.teardown()
        agent.teardown()
