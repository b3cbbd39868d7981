"""Parts as their agents would have answered them."""

from typing import Any

from agents.contract import Column, DataResult, VizRequest, VizResult
from agents.viz.chart import draw
from pipeline.composing.compose import Part

MONTH = Column(name="month", type="date")
HOUR = Column(name="hour", type="integer")
CARRIER = Column(name="carrier", type="string")
FLIGHTS = Column(name="num_flights", type="integer")
DELAY = Column(name="avg_dep_delay", type="number", unit="minutes")
ARRIVAL = Column(name="avg_arr_delay", type="number", unit="minutes")
TEMPERATURE = Column(name="avg_temp", type="number", unit="°F")
MONTHS = [f"2013-{month:02}-01" for month in range(1, 13)]


def table(*columns: Column, rows: list[tuple[Any, ...]], truncated: bool = False) -> DataResult:
    objects = [dict(zip((column.name for column in columns), row, strict=True)) for row in rows]
    return DataResult(rows=objects, columns=list(columns), row_count=len(rows), truncated=truncated)


def part(name: str, data: DataResult, question: str = "", chart: VizResult | None = None) -> Part:
    """A part with the chart the bundled viz agent draws of its rows."""
    drawn = chart or draw(VizRequest(data=data.rows, columns=list(data.columns), query=question))
    asked = question or name.replace("_", " ")
    return Part(name=name, question=asked, interpretation=f"The answer to {asked}.", data=data, chart=drawn)


def by_month(name: str, measure: Column = FLIGHTS, base: float = 100, question: str = "") -> Part:
    return part(name, table(MONTH, measure, rows=[(m, base + at) for at, m in enumerate(MONTHS)]), question)


def by_carrier(name: str, measure: Column = DELAY, carriers: str = "UA DL AA", base: float = 5.5) -> Part:
    return part(name, table(CARRIER, measure, rows=[(c, base + at) for at, c in enumerate(carriers.split())]))


def one(name: str, measure: Column, value: float) -> Part:
    return part(name, table(measure, rows=[(value,)]))
