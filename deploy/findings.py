"""Findings on the terminal: one line each, and below it what to do."""

from collections.abc import Iterable
from typing import Final

from rich.console import Console
from rich.markup import escape

from core.finding import Finding, Level

_MARKS: Final = {Level.OK: "[green]✓ ok  [/]", Level.WARN: "[yellow]! warn[/]", Level.FAIL: "[red]✗ FAIL[/]"}


def show_findings(findings: Iterable[Finding], console: Console) -> None:
    """Word, icon and colour; nothing is cut off."""
    for finding in findings:
        said = f"[bold]{escape(finding.subject)}[/]  {escape(finding.found)}"
        console.print(f"{_MARKS[finding.level]} {said}", soft_wrap=True)
        if finding.advice:
            console.print(f"         → {escape(finding.advice)}", soft_wrap=True)
