"""The tables, as rows of text: one source for the terminal and for docs/benchmarks.md."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from rich.console import Console
from rich.table import Table as RichTable

from bench.outcome import Figures, Mark
from bench.stored import Stored


@dataclass(frozen=True, slots=True)
class Table:
    """Heads and rows; all cells but a row's first are figures."""

    title: str
    heads: Sequence[str]
    rows: Sequence[Sequence[str]]


def contenders(found: Iterable[Figures]) -> Table:
    """Side by side."""
    shown = list(found)
    rows = [[what, *(cell(one) for one in shown)] for what, cell in _ROWS]
    return Table("Side by side, per workflow", ("", *(one.title for one in shown)), rows)


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.0f}"


_ROWS: Final[list[tuple[str, Callable[[Figures], str]]]] = [
    ("workflows/s", lambda one: f"{one.workflows_per_s:.0f}"),
    ("to thread-safe Celery", lambda one: f"{one.to_thread_safe:.2f} x"),
    ("alone, p50, ms", lambda one: f"{one.alone_p50_ms:.1f}"),
    ("alone, p95, ms", lambda one: f"{one.alone_p95_ms:.1f}"),
    ("alone, p99, ms", lambda one: f"{one.alone_p99_ms:.1f}"),
    ("alone, over direct calls, ms", lambda one: f"{one.over_direct_ms:+.1f}"),
    ("CPU: asker, worker, Valkey, ms", lambda one: f"{one.cpu_total_ms:.1f}"),
    ("Valkey commands from clients", lambda one: _figure(one.commands.from_clients if one.commands else None)),
    ("called inside scripts", lambda one: _figure(one.commands.inside_scripts if one.commands else None)),
    ("socket reads of Valkey", lambda one: _figure(one.reads)),
    ("in flight at 1 s agents", lambda one: _figure(one.in_flight)),
    ("worker's RSS, MiB", lambda one: _figure(one.worker.rss_mib if one.worker else None)),
    ("worker's PSS, MiB", lambda one: _figure(one.worker.pss_mib if one.worker else None)),
]


def store(sizes: Iterable[Stored]) -> Table:
    """With many finished workflows."""
    heads = ("stored workflows", "transition, us", "cancel, us", "status read, us", "page by time, ms",
             "page by status, ms", "search, ms", "bytes each", "beside outputs")
    rows = [[f"{one.workflows:,}", f"{one.transition_us:.0f}", f"{one.cancel_us:.0f}", f"{one.read_us:.0f}",
             f"{one.page_by_time_us / 1000:.1f}", f"{one.page_by_status_us / 1000:.1f}", f"{one.search_us / 1000:.1f}",
             f"{one.bytes_each:,.0f}", f"{one.bytes_beside_outputs:,.0f}"] for one in sizes]
    return Table("With many finished workflows", heads, rows)


def marks(found: Iterable[Mark]) -> Table:
    """Gates and targets."""
    rows = [[mark.what, "gate" if mark.is_gate else "target", mark.wanted, f"{mark.measured:.4g}",
             "yes" if mark.met else "no"] for mark in found]
    return Table("Gates and targets", ("", "kind", "wanted", "measured", "met"), rows)


def show(table: Table, console: Console) -> None:
    """On the terminal."""
    shown = RichTable(title=table.title, title_justify="left")
    for number, head in enumerate(table.heads):
        shown.add_column(head, justify="right" if number else "left")
    for row in table.rows:
        shown.add_row(*row)
    console.print(shown)


def markdown(table: Table) -> str:
    """As Markdown."""
    lines = [table.heads, ["---", *["---:"] * (len(table.heads) - 1)], *table.rows]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)
