"""What a proof leaves behind: figures with what they were held against, when, where, from which seed and commit."""

import json
import os
import platform
import subprocess
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

import psutil

from core.settings import ROOT

PROOFS = ROOT / "docs" / "proof.json"


class Kind(StrEnum):
    """Whether a missed bound fails the run or is reported."""

    GATE = "gate"
    TARGET = "target"


@dataclass(frozen=True)
class Figure:
    """One measured value and its bound: it is met at `bound`, and on the side of it that `better` names."""

    name: str
    value: float
    unit: str
    bound: float
    better: str = "lower"
    kind: Kind = Kind.GATE

    @property
    def met(self) -> bool:
        """Whether the bound is kept."""
        return self.value <= self.bound if self.better == "lower" else self.value >= self.bound


@dataclass(frozen=True)
class Result:
    """What one part of a topic gave; `details` are counts worth quoting beside the figures."""

    figures: list[Figure]
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Run:
    """What a part is run with. `scale` 1 is the full size; only that is written to `docs/proof.json`."""

    seed: int
    scale: float
    folder: Path
    note: Callable[[str], None] = print

    def sized(self, full: int, least: int = 1) -> int:
        """`full` at full scale, never below `least`."""
        return max(least, round(full * self.scale))


@dataclass(frozen=True)
class Part:
    """One piece of a topic, resumable as a whole; ended after `limit_s`."""

    topic: str
    name: str
    limit_s: int
    run: Callable[[Run], Result]

    @property
    def key(self) -> str:
        """Its name in the file."""
        return f"{self.topic}/{self.name}"


class Proofs:
    """The file of proofs."""

    def __init__(self, file: Path = PROOFS) -> None:
        self.file = file
        self.entries: dict[str, dict[str, Any]] = json.loads(file.read_text()) if file.exists() else {}

    def holds(self, part: Part, run: Run, commit: str) -> bool:
        """Whether this very part was run already: same commit, seed and scale, and its gates were met."""
        known = self.entries.get(part.key)
        same = known and (known["commit"], known["seed"], known["scale"]) == (commit, run.seed, run.scale)
        return bool(same and known and known["passed"])

    def write(self, part: Part, run: Run, commit: str, result: Result) -> bool:
        """Record a result at once, so that an interrupted proof goes on where it was; whether its gates are met."""
        passed = all(figure.met for figure in result.figures if figure.kind is Kind.GATE)
        self.entries[part.key] = {
            "topic": part.topic, "passed": passed,
            "figures": [{**asdict(figure), "met": figure.met} for figure in result.figures],
            "details": result.details, "seed": run.seed, "scale": run.scale, "commit": commit, "machine": machine(),
            "date": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        self.file.parent.mkdir(parents=True, exist_ok=True)
        partial = self.file.with_suffix(".partial")
        partial.write_text(json.dumps(self.entries, indent=2, sort_keys=True) + "\n")
        partial.replace(self.file)
        return passed


def machine() -> dict[str, Any]:
    """The shape of the machine, and nothing that names it."""
    return {"cores": len(os.sched_getaffinity(0)), "memory_gb": round(psutil.virtual_memory().total / 2**30),
            "python": platform.python_version(), "system": platform.system()}


def commit_of_tree() -> str:
    """The commit, marked when the tree differs from it."""
    def git(*arguments: str) -> str:
        return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()

    changed = git("status", "--porcelain", "--untracked-files=no", "--", ".", ":!docs")
    return git("rev-parse", "--short=12", "HEAD") + ("+changes" if changed else "")
