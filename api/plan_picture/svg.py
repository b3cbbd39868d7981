"""A plan as a picture (SVG): a box for each step, arrows from what it waits for, and where each of them stands.

Colours and dashes are classes, and stand in `static/plan.css`. A picture of its own brings them along.
"""

from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from api.pages.steps import duration, look_of
from api.plan_picture.folds import UNFOLDED, Box, boxes_of
from api.plan_picture.layout import Layout, Line, Spacing, layout_of
from api.plan_picture.text import fitted, xml_text
from state.model import StepRecord, WorkflowRecord

_ROOMY: Final = Spacing(width=200, height=64, column_gap=44, row_gap=16)
_TIGHT: Final = Spacing(width=112, height=22, column_gap=44, row_gap=5)
_MANY: Final = 80  # boxes, from which on each has its name and its mark only
_MARGIN: Final = 6.0
_SHRINKS: Final = 1_100  # a page may shrink what is not wider than this; more would be too small to be read
_TEXT_LEFT: Final = 34.0
_LOUDEST: Final = ("bad", "busy", "late", "idle", "good")  # which of several looks a box of several steps has
_TITLE, _DESCRIPTION, _TIP = "plan-title", "plan-description", "plan-tip"
_ARROW: Final = (
    f'<defs><marker id="{_TIP}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="6" markerHeight="6" orient="auto">'
    '<path class="tip" d="M0 0L8 4L0 8Z"/></marker></defs>'
)


@dataclass(frozen=True, slots=True)
class _Face:
    """What a box says."""

    css: str
    mark: str
    name: str
    word: str
    note: str
    title: str
    optional: bool


def plan_picture(record: WorkflowRecord) -> str:
    """The picture as a document of its own, for light and dark."""
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + plan_svg(record, f"<style>{stylesheet()}</style>")


@cache
def stylesheet() -> str:
    """The rules for what has the class `plan`."""
    return (Path(__file__).parent.parent / "pages" / "static" / "plan.css").read_text()


def plan_svg(record: WorkflowRecord, style: str = "") -> str:
    """The picture as an element; without a `style` element it needs that of the page around it."""
    boxes = boxes_of(record.steps)
    tight = len(boxes) > _MANY
    spacing = _TIGHT if tight else _ROOMY
    layout = layout_of({box.key: box.after for box in boxes}, spacing)
    faces = {box.key: _face(box, record) for box in boxes}
    fits = ' data-fits=""' if layout.width <= _SHRINKS else ""
    width, height = layout.width + 2 * _MARGIN, layout.height + 2 * _MARGIN
    settled = {box.key for box in boxes if all(step.status.done for step in box.steps)}
    opened = (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="plan"{fits} width="{width:.0f}" height="{height:.0f}" '
        f'viewBox="{-_MARGIN:g} {-_MARGIN:g} {width:.0f} {height:.0f}" role="img" '
        f'aria-labelledby="{_TITLE} {_DESCRIPTION}"><title id="{_TITLE}">{_headline(record)}</title>'
        f'<desc id="{_DESCRIPTION}">{xml_text(_description(record, faces, len(boxes)))}</desc>{style}{_ARROW}'
    )
    lines = [_way(line, line.source in settled) for line in layout.lines]
    return "".join([opened, *lines, *(_box(box, faces[box.key], layout, tight=tight) for box in boxes), "</svg>"])


def _headline(record: WorkflowRecord) -> str:
    words = Counter(look_of(step, record.status).word.lower() for step in record.steps.values())
    return f"Plan of {_steps(len(record.steps))}: " + ", ".join(f"{count} {word}" for word, count in words.items())


def _description(record: WorkflowRecord, faces: dict[str, _Face], boxes: int) -> str:
    if boxes > UNFOLDED:
        return f"The workflow is {record.status}. Each step is listed in its status."
    return f"The workflow is {record.status}. " + " ".join(f"{face.title}." for face in faces.values())


def _steps(count: int) -> str:
    return "1 step" if count == 1 else f"{count:,} steps"


def _face(box: Box, record: WorkflowRecord) -> _Face:
    return _face_of_one(box.steps[0], record) if len(box.steps) == 1 else _face_of_many(box.steps, record)


def _face_of_one(step: StepRecord, record: WorkflowRecord) -> _Face:
    look = look_of(step, record.status)
    named_so = step.name == step.agent or step.name.startswith(f"{step.agent}-")
    note = ", ".join([*([] if named_so else [step.agent]), *_times(step, record)])
    told = [f"{step.name} ({step.agent}{', optional' if step.optional else ''})"]
    told += [f"after {', '.join(step.after)}"] if step.after else []
    title = f"{' '.join(told)}: {', '.join([look.word.lower(), *_times(step, record)])}"
    if step.error:
        title += f" ({step.error.get('message', '')})"
    return _Face(look.css, look.mark, step.name, look.word, note, title, step.optional)


def _face_of_many(steps: tuple[StepRecord, ...], record: WorkflowRecord) -> _Face:
    looks = [look_of(step, record.status) for step in steps]
    loudest = min(looks, key=lambda look: _LOUDEST.index(look.css))
    counts = Counter(look.word.lower() for look in looks)
    said = ", ".join(f"{count} {word}" for word, count in counts.most_common())
    agents = ", ".join(dict.fromkeys(step.agent for step in steps))
    word = f"All {next(iter(counts))}" if len(counts) == 1 else said
    name, ends = _steps(len(steps)), (steps[0].name, steps[-1].name)
    title = f"{name} ({agents}), {' to '.join(ends)}: {said}"
    note = " \N{HORIZONTAL ELLIPSIS} ".join(ends)
    return _Face(loudest.css, loudest.mark, name, word, note, title, all(step.optional for step in steps))


def _times(step: StepRecord, record: WorkflowRecord) -> list[str]:
    """How long it took and waited, or since when; nothing that changes while nothing happens."""
    attempt = [f"attempt {step.attempt}"] if step.attempt > 1 else []
    if step.finished_ms and step.started_ms:
        waited_ms = step.started_ms - (step.queued_ms or step.started_ms)
        waited = [f"waited {duration(waited_ms)}"] if waited_ms >= 100 else []
        return [duration(step.finished_ms - step.started_ms), *waited, *attempt]
    since_ms = step.started_ms if step.status.value in ("RUNNING", "RETRYING") else step.queued_ms
    return [*([f"since +{duration(since_ms - record.created_ms)}"] if since_ms else []), *attempt]


def _way(line: Line, settled: bool) -> str:
    bend = (line.x1 + line.x2) / 2
    tip = f' marker-end="url(#{_TIP})"' if line.arrives else ""
    css = "way" if settled else "way open"
    return (
        f'<path class="{css}"{tip} d="M{line.x1:.1f} {line.y1:.1f}'
        f'C{bend:.1f} {line.y1:.1f} {bend:.1f} {line.y2:.1f} {line.x2:.1f} {line.y2:.1f}"/>'
    )


def _box(box: Box, face: _Face, layout: Layout, *, tight: bool) -> str:
    (x, y), spacing = layout.corners[box.key], _TIGHT if tight else _ROOMY
    size = f'width="{spacing.width:g}" height="{spacing.height:g}"'
    behind = f'<rect x="{x + 4:.1f}" y="{y + 4:.1f}" {size} rx="8"/>' if len(box.steps) > 1 else ""
    css = f"{face.css} optional" if face.optional else face.css
    inside = _inside_tight(face) if tight else _inside(face)
    return (
        f'<g class="{css}"><title>{xml_text(face.title)}</title>{behind}'
        f'<rect x="{x:.1f}" y="{y:.1f}" {size} rx="{5 if tight else 8}"/>'
        # A viewport of its own cuts off whatever were wider than thought.
        f'<svg x="{x:.1f}" y="{y:.1f}" {size}>{inside}</svg></g>'
    )


def _inside(face: _Face) -> str:
    width = _ROOMY.width - _TEXT_LEFT - 10
    texts = [
        ("name", 22, fitted(face.name, width, 13, bold=True)),
        ("word", 39, fitted(face.word, width, 12, bold=True)),
        ("note", 55, fitted(face.note, width, 11)),
    ]
    return f'<circle class="ring" cx="18" cy="18" r="9"/><text class="mark" x="18" y="22">{face.mark}</text>' + "".join(
        f'<text class="{css}" x="{_TEXT_LEFT:g}" y="{y}">{xml_text(text)}</text>' for css, y, text in texts if text
    )


def _inside_tight(face: _Face) -> str:
    name = xml_text(fitted(face.name, _TIGHT.width - 28, 13, bold=True))
    return f'<text class="mark" x="12" y="15">{face.mark}</text><text class="name" x="22" y="15">{name}</text>'
