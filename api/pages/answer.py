"""An answer as the page shows it: the rows as text, the chart's notes, and the stand-ins."""

from dataclasses import dataclass
from typing import Any

from agents.viz.figures import digits
from agents.viz.labels import capitalised
from agents.viz.shape import Field, Role, shape_of
from pipeline.answer import LEFT_OUT, Answer, Degradation, ResultSet, Visualization

SHOWN_ROWS = 50
CELL_MAX_CHARS = 1_000
SHOWN_COLUMNS = 200
NOTHING = "\N{EN DASH}"
_STAND_IN = {
    "nlp": "The question was understood by a stand-in",
    "data": "The rows come from an earlier answer",
    "viz": "The chart was drawn by a stand-in",
}


@dataclass(frozen=True)
class Heading:
    """One column's head."""

    title: str
    name: str
    is_number: bool


@dataclass(frozen=True)
class RowTable:
    """The first rows as text, and how many there are in all."""

    headings: list[Heading]
    rows: list[list[str]]
    caption: str


def table_of(result: ResultSet, level: str = "") -> RowTable:
    """The first `SHOWN_ROWS` rows; `level` is what a column called just `name` names."""
    shown = result.data[:SHOWN_ROWS]
    fields = {f.name: f for f in shape_of(result.columns, shown, level=level).fields}
    ordered = [fields[column.name] for column in result.columns if column.name in fields]
    columns = [_cells(f, [row.get(f.name) for row in shown]) for f in ordered]
    headings = [Heading(capitalised(f.title), f.name, f.role is Role.NUMBER) for f in ordered]
    return RowTable(headings, [list(cells) for cells in zip(*columns, strict=True)], _caption(result, len(shown)))


def notes_of(visualization: Visualization) -> list[str]:
    """What the chart leaves out, as the agent says it."""
    notes = visualization.chart_config.get("notes")
    return [note for note in notes if isinstance(note, str)] if isinstance(notes, list) else []


@dataclass(frozen=True)
class PartView:
    """One of several questions in one: what was understood, its rows, or why there are none."""

    title: str
    table: RowTable | None
    sql: str
    missing: str


def parts_of(answer: Answer) -> list[PartView]:
    """The parts of a question that asks for several things, as far as they are there."""
    return [
        PartView(
            title=part.interpretation or part.question or part.name,
            table=table_of(part.result) if part.result else None,
            sql=part.result.sql_query if part.result else "",
            missing=part.missing,
        )
        for part in answer.parts
    ]


def stand_ins(answer: Answer) -> list[str]:
    """One sentence for each fallback that helped."""
    return [_stand_in(told) for told in answer.degradations if told.source != LEFT_OUT]


def left_out(answer: Answer) -> list[str]:
    """One sentence for each step the answer does without."""
    return [f"{told.step}: {told.reason}" for told in answer.degradations if told.source == LEFT_OUT]


def _cells(of: Field, raw: list[Any]) -> list[str]:
    if of.role is not Role.NUMBER:
        return [_text(value) for value in raw]
    places = digits(v for v in of.values if v is not None)
    return [NOTHING if value is None else f"{value:,.{places}f}" for value in of.values]


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = NOTHING if value is None else str(value)
    return text if len(text) <= CELL_MAX_CHARS else text[:CELL_MAX_CHARS] + "\N{HORIZONTAL ELLIPSIS}"


def _caption(result: ResultSet, shown: int) -> str:
    rows = "1 row" if result.row_count == 1 else f"{result.row_count:,} rows"
    first = f"The first {shown} of {rows}" if result.row_count > shown else rows
    return f"{first}; the result was cut at its limit, so there are more" if result.truncated else first


def _stand_in(degradation: Degradation) -> str:
    age = f", {degradation.age_s:.0f} s old" if degradation.age_s is not None else ""
    start = _STAND_IN.get(degradation.step, f"The step {degradation.step} was answered by a stand-in")
    return f"{start} ({degradation.source}{age}): {degradation.reason}"
