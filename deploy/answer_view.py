"""An answer as a person reads it in a terminal."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from agents.recovery import next_step
from deploy.client import Answer

SHOWN_ROWS = 20


def show(answer: Answer, chart: Path | None, chart_url: str, console: Console) -> None:
    """Print an answer: the rows, how the question was understood, and where the chart is."""
    result, visualization = answer.get("result") or {}, answer.get("visualization") or {}
    if title := visualization.get("title"):
        console.print(f"[bold]{escape(title)}")
    console.print(_table(result))
    console.print(Group(*_notes(answer, result)))
    if chart:
        console.print(f"[bold]Chart[/]        {chart}  {chart_url}", soft_wrap=True)


def show_failure(failure: dict[str, Any], console: Console) -> None:
    """Print what happened, what it means and what to do, from an answer's `error` or from problem+json."""
    message = failure.get("message") or failure.get("detail") or failure.get("title") or "No reason was given."
    console.print(f"[red]No answer:[/] {escape(str(message))}")
    where = [str(failure[key]) for key in ("error_type", "step") if failure.get(key)]
    if where:
        console.print(f"[bold]Kind[/]         {escape(', step '.join(where))}")
    action = str(failure.get("recovery_action") or "")
    if action:
        wait = f" ({failure['retry_after_s']:.0f} s)" if failure.get("retry_after_s") else ""
        console.print(f"[bold]What to do[/]   {escape(next_step(action))}{wait}")
    for suggestion in failure.get("suggestions") or []:
        console.print(f"  - {escape(str(suggestion))}")


def _table(result: dict[str, Any]) -> RenderableType:
    columns, rows = result.get("columns") or [], result.get("data") or []
    if not rows:
        return Text("No rows match the question.")
    table = Table(caption=_caption(result, len(rows)), caption_justify="left")
    for column in columns:
        unit = f" ({column['unit']})" if column.get("unit") else ""
        right = column.get("type") in {"number", "integer"}
        table.add_column(f"{escape(column['name'])}{escape(unit)}", justify="right" if right else "left")
    for row in rows[:SHOWN_ROWS]:
        table.add_row(*(_cell(row.get(column["name"])) for column in columns))
    return table


def _caption(result: dict[str, Any], count: int) -> str:
    total = result.get("row_count") or count
    cut = " (cut at the limit)" if result.get("truncated") else ""
    return f"{min(count, SHOWN_ROWS)} of {total} rows{cut}"


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:,.2f}"
    return escape(str(value))


def _notes(answer: Answer, result: dict[str, Any]) -> Iterable[Text]:
    notes = [("Understood", answer.get("interpretation"))]
    notes += [("Assumed", assumption) for assumption in answer.get("assumptions") or []]
    notes += [("Degraded", _degradation(entry)) for entry in answer.get("degradations") or []]
    notes.append(("SQL", result.get("sql_query")))
    if answer.get("duration_ms"):
        notes.append(("Took", f"{answer['duration_ms']:.0f} ms"))
    for name, text in notes:
        if text:
            yield Text.assemble((f"{name:<13}", "bold"), str(text))


def _degradation(entry: dict[str, Any]) -> str:
    age = f", {entry['age_s']:.0f} s old" if entry.get("age_s") is not None else ""
    return f"{entry.get('step', '')}: from {entry.get('source', 'a fallback')}{age} because {entry.get('reason', '')}"
