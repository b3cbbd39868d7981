"""Schemathesis against a running API: does it answer as its own OpenAPI document says, and never with a 5xx?"""

import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

CONFIG = Path(__file__).with_name("schemathesis.toml")
_CASES = re.compile(r"^\s+(\d+) generated", re.MULTILINE)
_FAILURES = re.compile(r"found (\d+) unique failures")
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True)
class Conformance:
    """What schemathesis tried and found; `said` is its own report."""

    passed: bool
    cases: int
    failures: int
    said: str


def conform(api_url: str, folder: Path, examples: int, seed: int) -> Conformance:
    """All checks and phases, good and bad data; at most `examples` an operation and phase."""
    done = subprocess.run(
        [sys.executable, "-m", "schemathesis.cli", "--config-file", str(CONFIG), "run", f"{api_url}/api/openapi.json",
         "--mode", "all", "--phases", "examples,coverage,fuzzing,stateful", "--seed", str(seed),
         "-n", str(examples), "--continue-on-failure", "--no-shrink", "--request-timeout", "30"],
        cwd=folder, text=True, capture_output=True, check=False)
    said = _COLOURS.sub("", done.stdout + done.stderr)
    cases, failures = _CASES.search(said), _FAILURES.search(said)
    return Conformance(done.returncode == 0, int(cases[1]) if cases else 0, int(failures[1]) if failures else 0, said)
