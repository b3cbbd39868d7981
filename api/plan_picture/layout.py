"""Where the boxes of a plan go: columns by the longest way to them, few crossings, lines that run around the boxes.

Sugiyama's method: a line that passes a column has a lane of its own there, shared by all lines from the same box; the
order in a column follows the neighbours' mean place (barycentre); heights are the least squares under that order
(pool adjacent violators).
"""

from bisect import bisect_right, insort
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

LANE: Final = 4.0  # height of a line that passes a column
FEW: Final = 600  # boxes and lanes; beyond, the drawing is worked at for a shorter time
Place = tuple[str, int]  # a box, or its lane in a later column
Ways = dict[Place, list[Place]]


@dataclass(frozen=True, slots=True)
class Spacing:
    """Sizes of the drawing: a box, and the gaps between columns and between boxes."""

    width: float
    height: float
    column_gap: float
    row_gap: float


@dataclass(frozen=True, slots=True)
class Line:
    """One stretch of the way from box `source` to the next column; `arrives`: at a box, else in a lane."""

    source: str
    x1: float
    y1: float
    x2: float
    y2: float
    arrives: bool


@dataclass(frozen=True, slots=True)
class Layout:
    """Left top corners of the boxes, the lines between them, and the size of it all."""

    corners: dict[str, tuple[float, float]]
    lines: list[Line]
    width: float
    height: float


def layout_of(after: Mapping[str, Sequence[str]], spacing: Spacing) -> Layout:
    """Lay out boxes, each given after those that come before it (`after`)."""
    column: dict[str, int] = {}
    for key, before in after.items():
        column[key] = 1 + max((column[name] for name in before), default=-1)
    nexts = _ways(after, column)
    columns: list[list[Place]] = [[] for _ in range(1 + max(column.values(), default=-1))]
    for place in dict.fromkeys([*((key, at) for key, at in column.items()), *nexts]):
        columns[place[1]].append(place)
    previous = _turned(nexts)
    columns = _ordered(columns, nexts, previous)

    def is_box(place: Place) -> bool:
        return column[place[0]] == place[1]

    heights = _heights(columns, nexts, previous, is_box, spacing)
    return _drawn(columns, nexts, is_box, heights, spacing)


def _ways(after: Mapping[str, Sequence[str]], column: Mapping[str, int]) -> Ways:
    nexts: Ways = defaultdict(list)
    reached = dict(column)  # the column up to which a box has lanes
    for key, before in after.items():
        for source in before:
            for at in range(reached[source], column[key] - 1):
                nexts[source, at].append((source, at + 1))
            reached[source] = max(reached[source], column[key] - 1)
            nexts[source, column[key] - 1].append((key, column[key]))
    return nexts


def _turned(nexts: Ways) -> Ways:
    previous: Ways = defaultdict(list)
    for place, others in nexts.items():
        for other in others:
            previous[other].append(place)
    return previous


def _ordered(columns: list[list[Place]], nexts: Ways, previous: Ways) -> list[list[Place]]:
    """The order with the fewest crossings among those that some sweeps to and fro give."""
    rank = {place: at for column in columns for at, place in enumerate(column)}
    best, fewest = [list(column) for column in columns], _crossings(columns, nexts, rank)
    for turn in range(12 if len(rank) <= FEW else 3):
        neighbours = nexts if turn % 2 else previous
        for column in reversed(columns) if turn % 2 else columns:
            mean = {place: _mean([rank[other] for other in neighbours.get(place, ())], rank[place]) for place in column}
            column.sort(key=mean.__getitem__)
            rank.update((place, at) for at, place in enumerate(column))
        found = _crossings(columns, nexts, rank)
        if found < fewest:
            best, fewest = [list(column) for column in columns], found
        if not fewest:
            break
    return best


def _crossings(columns: Sequence[Sequence[Place]], nexts: Ways, rank: Mapping[Place, int]) -> int:
    count = 0
    for column in columns:
        ends: list[int] = []
        for place in column:
            targets = [rank[other] for other in nexts.get(place, ())]
            count += sum(len(ends) - bisect_right(ends, target) for target in targets)
            for target in targets:
                insort(ends, target)
    return count


def _mean(values: Sequence[float], default: float) -> float:
    return sum(values) / len(values) if values else default


def _heights(
    columns: Sequence[Sequence[Place]], nexts: Ways, previous: Ways, is_box: Callable[[Place], bool], spacing: Spacing
) -> dict[Place, float]:
    """The middle of every place, drawn towards its neighbours."""
    tall = {place: spacing.height if is_box(place) else LANE for column in columns for place in column}
    middle: dict[Place, float] = {}
    for column in columns:
        gaps = _gaps(column, tall, spacing)
        middle.update(zip(column, _apart([0.0] * len(column), gaps), strict=True))
    for turn in range(8 if len(tall) <= FEW else 3):
        neighbours = nexts if turn % 2 else previous
        for column in reversed(columns) if turn % 2 else columns:
            wished = [_mean([middle[other] for other in neighbours.get(place, ())], middle[place]) for place in column]
            middle.update(zip(column, _apart(wished, _gaps(column, tall, spacing)), strict=True))
    top = min((middle[place] - tall[place] / 2 for place in tall), default=0.0)
    return {place: at - top for place, at in middle.items()}


def _gaps(column: Sequence[Place], tall: Mapping[Place, float], spacing: Spacing) -> list[float]:
    """The least distance of each place's middle from that of the one above it."""
    return [0.0, *((tall[above] + tall[place]) / 2 + spacing.row_gap for above, place in pairwise(column))]


def _apart(wished: Sequence[float], gaps: Sequence[float]) -> list[float]:
    """The places nearest to the wished ones (least squares) that keep their order and these gaps."""
    offsets: list[float] = []
    for gap in gaps:
        offsets.append(gap + (offsets[-1] if offsets else 0.0))
    blocks: list[tuple[float, int]] = []  # mean, members
    for wish, offset in zip(wished, offsets, strict=True):
        mean, members = wish - offset, 1
        while blocks and blocks[-1][0] > mean:
            other, more = blocks.pop()
            mean, members = (mean * members + other * more) / (members + more), members + more
        blocks.append((mean, members))
    starts = [mean for mean, members in blocks for _ in range(members)]
    return [start + offset for start, offset in zip(starts, offsets, strict=True)]


def _drawn(
    columns: Sequence[Sequence[Place]],
    nexts: Ways,
    is_box: Callable[[Place], bool],
    heights: Mapping[Place, float],
    spacing: Spacing,
) -> Layout:
    step = spacing.width + spacing.column_gap
    corners = {
        place[0]: (place[1] * step, heights[place] - spacing.height / 2)
        for column in columns
        for place in column
        if is_box(place)
    }
    lines: list[Line] = []
    for place, others in nexts.items():
        left = place[1] * step
        if not is_box(place):
            lines.append(Line(place[0], left, heights[place], left + spacing.width, heights[place], arrives=False))
        for other in others:
            right = left + spacing.width
            lines.append(Line(place[0], right, heights[place], left + step, heights[other], arrives=is_box(other)))
    bottom = max((heights[place] + (spacing.height if is_box(place) else LANE) / 2 for place in heights), default=0.0)
    return Layout(corners, lines, max(0.0, len(columns) * step - spacing.column_gap), bottom)
