"""Where the breakers' benchmark is written: `bench/results/breakers.json` always; docs/breakers.* when published."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bench import guard_figures, tables
from bench.guard_figures import Cost, Key
from bench.outcome import Mark
from bench.report import BEGIN, END, machine
from bench.tables import Table
from core.settings import ROOT
from prove.proof import commit_of_tree

LATEST = ROOT / "bench" / "results" / "breakers.json"
FIGURES = ROOT / "docs" / "breakers.json"
PAGE = ROOT / "docs" / "breakers.md"
PACKAGES = ("pybreaker", "purgatory", "interlock-cb", "redis")


def as_json(rounds: int, seconds: float, costs: Mapping[Key, Cost], marks: Sequence[Mark]) -> dict[str, Any]:
    """All of it, with the machine and the commit."""
    return {"taken_at": datetime.now(UTC).isoformat(timespec="seconds"), "commit": commit_of_tree(),
            "machine": machine(), "versions": {name: version(name) for name in PACKAGES}, "rounds": rounds,
            "seconds": seconds, "costs": [asdict(one) for one in costs.values()],
            "marks": [asdict(mark) for mark in marks]}


def tables_of(costs: Mapping[Key, Cost], marks: Sequence[Mark]) -> list[Table]:
    """For the terminal and for the page."""
    return [*guard_figures.side_by_side(costs), tables.marks(marks)]


def save(figures: Mapping[str, Any], file: Path = LATEST) -> Path:
    """The figures of the latest run."""
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps(figures, indent=1) + "\n")
    return file


def publish(figures: Mapping[str, Any], found: Sequence[Table]) -> None:
    """The figures and the page's tables that are committed."""
    save(figures, FIGURES)
    PAGE.write_text(with_figures(PAGE.read_text(), figures, found))


def with_figures(page: str, figures: Mapping[str, Any], found: Sequence[Table]) -> str:
    """The page with the part between its marks replaced; raises ValueError for a page without them."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError("the page has no place for figures")
    shape = figures["machine"]
    others = ", ".join(f"{name} {number}" for name, number in figures["versions"].items())
    head = (f"Measured at commit `{figures['commit']}` on {shape['cores']} cores, Python {shape['python']}, {others}: "
            f"medians of {figures['rounds']} rounds of {figures['seconds']:g} s.\n")
    body = "".join(f"\n**{table.title}**\n\n{tables.markdown(table)}" for table in found)
    return before + begin + head + body + end + after
