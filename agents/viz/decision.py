"""Which chart a result gets: a table of rules over its shape, read from the top. A wish wins when it fits the shape."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from agents.viz.fit import (
    MAX_SERIES,
    Encoding,
    Misfit,
    fit_bar,
    fit_grouped,
    fit_heatmap,
    fit_histogram,
    fit_line,
    fit_number,
    fit_scatter,
    fit_table,
)
from agents.viz.labels import words_of
from agents.viz.shape import Role, Shape


class ChartType(StrEnum):
    """The charts this agent draws."""

    NUMBER = "number"
    HISTOGRAM = "histogram"
    LINE = "line"
    GROUPED_BAR = "grouped_bar"
    HEATMAP = "heatmap"
    BAR = "bar"
    SCATTER = "scatter"
    TABLE = "table"


@dataclass(frozen=True)
class Decision:
    """The chart, what goes where, and why, in one English sentence."""

    chart_type: ChartType
    encoding: Encoding
    reason: str


@dataclass(frozen=True)
class Rule:
    """One line of the table: what a chart needs (`fit`), when it is the natural choice (`suits`), and why then."""

    chart_type: ChartType
    fit: Callable[[Shape], Encoding | Misfit]
    suits: Callable[[Shape, Encoding], bool]
    because: str


def _raw_numbers(shape: Shape, encoding: Encoding) -> bool:
    return encoding.binned or (len(shape.fields) == 1 and shape.row_count >= 20)


def _runs_along(_: Shape, encoding: Encoding) -> bool:
    axis, series = encoding.x[0], encoding.series
    few = series is None or series.distinct <= MAX_SERIES
    return axis.role is Role.TIME or (few and (axis.distinct > 24 or series is not None))


def _few_bars(_: Shape, encoding: Encoding) -> bool:
    series = len(encoding.y) if encoding.series is None else encoding.series.distinct
    return series <= 6 and encoding.x[0].distinct <= 15 and series * encoding.x[0].distinct <= 40


def _just_two_numbers(shape: Shape, _: Encoding) -> bool:
    return len(shape.numbers) == 2


def _always(_: Shape, __: Encoding) -> bool:
    return True


RULES = (
    Rule(ChartType.NUMBER, fit_number, _always, "the result is one value"),
    Rule(ChartType.HISTOGRAM, fit_histogram, _raw_numbers, "bars over ranges show how the values are spread"),
    Rule(ChartType.LINE, fit_line, _runs_along, "a line shows how the values change along an ordered axis"),
    Rule(ChartType.GROUPED_BAR, fit_grouped, _few_bars, "bars side by side compare a few groups within each category"),
    Rule(ChartType.HEATMAP, fit_heatmap, _always, "shades show a value for the many combinations of two categories"),
    Rule(ChartType.BAR, fit_bar, _always, "bars compare one value per category"),
    Rule(ChartType.SCATTER, fit_scatter, _just_two_numbers, "points show how two numbers go together"),
    Rule(ChartType.TABLE, fit_table, _always, "no chart shows rows of this shape better than the rows themselves"),
)
_BY_TYPE = {rule.chart_type: rule for rule in RULES}
_NEAR = {ChartType.BAR: (ChartType.BAR, ChartType.GROUPED_BAR), ChartType.GROUPED_BAR: (ChartType.GROUPED_BAR,)}
_WISHES = {
    "column": ChartType.BAR,
    "ranking": ChartType.BAR,
    "comparison": ChartType.BAR,
    "bars": ChartType.BAR,
    "trend": ChartType.LINE,
    "time_series": ChartType.LINE,
    "timeseries": ChartType.LINE,
    "area": ChartType.LINE,
    "distribution": ChartType.HISTOGRAM,
    "correlation": ChartType.SCATTER,
    "point": ChartType.SCATTER,
    "kpi": ChartType.NUMBER,
    "metric": ChartType.NUMBER,
    "big_number": ChartType.NUMBER,
    "single_value": ChartType.NUMBER,
    "clustered_bar": ChartType.GROUPED_BAR,
    "stacked_bar": ChartType.GROUPED_BAR,
    "heat_map": ChartType.HEATMAP,
    **{str(chart): chart for chart in ChartType},
}
_NO_WISH = frozenset({"", "auto", "unknown", "none", "any", "default", "chart"})


def decide(shape: Shape, wish: str = "") -> Decision:
    """The chart for this shape: the one wished for if it fits, else the first rule that suits."""
    words = [word for word in words_of(wish) if word not in ("chart", "plot", "graph", "diagram")]
    wished = "_".join(words)
    if wished in _NO_WISH:
        return _natural(shape)
    if wished not in _WISHES:
        return _refused(shape, wish, "this agent does not draw one")
    return _wished(shape, _WISHES[wished])


def _natural(shape: Shape) -> Decision:
    for rule in RULES:
        encoding = rule.fit(shape)
        if isinstance(encoding, Encoding) and rule.suits(shape, encoding):
            because = "there are no rows to draw" if shape.row_count == 0 else rule.because
            return Decision(rule.chart_type, encoding, f"{named(rule.chart_type)}: {because}.")
    raise AssertionError("the last rule takes every shape")


def _wished(shape: Shape, wished: ChartType) -> Decision:
    natural = _natural(shape)
    if natural.chart_type in _NEAR.get(wished, (wished,)):
        return natural
    fits = [(chart, _BY_TYPE[chart].fit(shape)) for chart in _NEAR.get(wished, (wished,))]
    for chart, encoding in fits:
        if isinstance(encoding, Encoding):
            return Decision(chart, encoding, f"{named(chart)}: as asked for, and the result has the shape for it.")
    return _refused(shape, str(wished), next(fit.why for _, fit in fits if isinstance(fit, Misfit)))


def _refused(shape: Shape, wish: str, why: str) -> Decision:
    natural = _natural(shape)
    words = " ".join(words_of(wish)[:4])
    reason = f"{natural.reason.removesuffix('.')}; asked for was “{words[:40]}”, but {why}."
    return Decision(natural.chart_type, natural.encoding, reason)


def named(chart: ChartType) -> str:
    """The chart as a reader would call it, first letter large."""
    plain = {
        ChartType.NUMBER: "A single number",
        ChartType.TABLE: "A table",
        ChartType.HISTOGRAM: "A histogram",
        ChartType.HEATMAP: "A heat map",
        ChartType.SCATTER: "A scatter plot",
        ChartType.GROUPED_BAR: "Grouped bars",
        ChartType.BAR: "A bar chart",
        ChartType.LINE: "A line chart",
    }
    return plain[chart]
