"""What each chart needs of a result, and what then goes where; else one clause that says what is missing."""

from dataclasses import dataclass

from agents.viz.labels import BINS, words_of
from agents.viz.shape import Field, Role, Shape

MAX_SERIES = 8
MAX_GROUPED_BARS = 80


@dataclass(frozen=True)
class Encoding:
    """What goes where: `x` names a mark (two fields are joined), `y` gives its size, `series` its colour."""

    x: tuple[Field, ...] = ()
    y: tuple[Field, ...] = ()
    series: Field | None = None
    binned: bool = False


@dataclass(frozen=True)
class Misfit:
    """Why a chart cannot be drawn, as a clause that follows "but"."""

    why: str


def fit_number(shape: Shape) -> Encoding | Misfit:
    """One row with one number in it."""
    if shape.row_count != 1 or len(shape.numbers) != 1:
        return Misfit("the result is not one single number")
    return (
        Encoding(x=tuple(shape.groups), y=tuple(shape.numbers)) if _drawable(shape) else Misfit("the value is missing")
    )


def fit_histogram(shape: Shape) -> Encoding | Misfit:
    """Ranges with their counts, or raw numbers to be binned."""
    if not _drawable(shape):
        return Misfit("a histogram needs a column of numbers")
    bins = [f for f in shape.fields if BINS & set(words_of(f.name))]
    counts = [f for f in shape.numbers if f not in bins]
    if len(bins) in (1, 2) and counts and shape.unique(*bins) and shape.row_count > 1:
        return Encoding(x=tuple(bins), y=(counts[0],), binned=True)
    if len(set(shape.numbers[0].values) - {None}) < 2:
        return Misfit("a histogram needs more than one value")
    return Encoding(x=(shape.numbers[0],))


def fit_line(shape: Shape) -> Encoding | Misfit:
    """One value per point in time (or ordered part of time), and per series if there is one."""
    axes = shape.of(Role.TIME) or sorted(shape.of(Role.ORDINAL), key=lambda f: -f.distinct)
    if not axes or not _drawable(shape):
        return Misfit("a line needs an ordered axis such as time, and a number")
    axis, others = axes[0], [f for f in shape.groups if f is not axes[0]]
    if axis.distinct < 2:
        return Misfit("a line needs at least two points")
    if len(others) > 1 or not shape.unique(axis, *others):
        return Misfit("a line needs one value per point and series")
    return Encoding(x=(axis,), y=_lead(shape) if others else _alike(shape), series=others[0] if others else None)


def fit_grouped(shape: Shape) -> Encoding | Misfit:
    """Two categories that fill a grid, or one category with several numbers of the same unit."""
    groups = shape.groups
    if len(groups) == 2 and _grid(shape) and _drawable(shape):
        series, x = sorted(groups, key=lambda f: f.distinct)
        if series.distinct > MAX_SERIES or series.distinct * x.distinct > MAX_GROUPED_BARS:
            return Misfit("there are too many groups to tell apart side by side")
        return Encoding(x=(x,), y=_lead(shape), series=series)
    if len(groups) == 1 and len(_alike(shape)) > 1 and shape.unique(*groups) and shape.row_count > 1:
        return Encoding(x=(groups[0],), y=_alike(shape))
    return Misfit("grouped bars need two categories and a number")


def fit_heatmap(shape: Shape) -> Encoding | Misfit:
    """Two categories that fill a grid, and a number."""
    if len(shape.groups) != 2 or not _grid(shape) or not _drawable(shape):
        return Misfit("a heat map needs two categories and a number for most of their combinations")
    y, x = sorted(shape.groups, key=lambda f: (f.role is not Role.CATEGORY, f.distinct))
    return Encoding(x=(x,), y=_lead(shape), series=y)


def fit_bar(shape: Shape) -> Encoding | Misfit:
    """One value per category; a second category that only goes along with the first is joined to its name."""
    groups = shape.groups
    if not groups or len(groups) > 2 or not _drawable(shape):
        return Misfit("bars need a category and a number")
    if shape.row_count < 2:
        return Misfit("bars need at least two rows")
    if not shape.unique(*groups) or (len(groups) == 2 and _grid(shape)):
        return Misfit("bars need one value per category")
    return Encoding(x=tuple(groups), y=_lead(shape))


def fit_scatter(shape: Shape) -> Encoding | Misfit:
    """Two numbers, and a category for the colour if it has few values."""
    if len(shape.numbers) < 2 or shape.row_count < 3 or not _drawable(shape):
        return Misfit("a scatter plot needs two columns of numbers and at least three rows")
    colours = [f for f in shape.of(Role.CATEGORY, Role.ORDINAL) if f.distinct <= MAX_SERIES]
    x, y = shape.numbers[:2]
    return Encoding(x=(x,), y=(y,), series=colours[0] if len(colours) == 1 and len(shape.groups) == 1 else None)


def fit_table(_: Shape) -> Encoding:
    """Everything."""
    return Encoding()


def _drawable(shape: Shape) -> bool:
    return bool(shape.numbers) and any(v is not None for v in shape.numbers[0].values)


def _lead(shape: Shape) -> tuple[Field, ...]:
    return (shape.numbers[0],)


def _alike(shape: Shape) -> tuple[Field, ...]:
    """The numbers that share one axis with the first: the same unit, and no count beside a measure."""
    lead = shape.numbers[0] if shape.numbers else None
    same = [f for f in shape.numbers if lead is not None and f.unit == lead.unit]
    return tuple(same) if 1 < len(same) <= 4 and lead is not None and lead.unit else tuple(shape.numbers[:1])


def _grid(shape: Shape) -> bool:
    """Whether the two categories fill more than half of all their combinations, each once."""
    first, second = shape.groups[:2]
    return shape.unique(first, second) and first.distinct * second.distinct < 2 * shape.row_count
