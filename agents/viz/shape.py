"""The shape of a result: which columns are numbers, points in time, ordered parts of time, or categories."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from agents.contract import Column
from agents.viz.labels import is_aggregate, label_of, singular, unit_of, with_unit, words_of

MISSING = "(missing)"
LARGEST = 1e200  # beyond it, differences and sums leave the floating point range
MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_ORDERED_PARTS = frozenset({"year", "quarter", "month", "week", "weekday", "dow", "day", "hour", "minute", "decade"})
_IDENTIFIERS = frozenset({"id", "code", "zip", "flight", "number"})
_UNDRAWABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_ISO_TIME = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?)?")


class Role(StrEnum):
    """What a column can do in a chart."""

    NUMBER = "number"
    TIME = "time"
    ORDINAL = "ordinal"
    CATEGORY = "category"


@dataclass(frozen=True)
class Field:
    """One column: its role, its words, and its values cleaned (no NaN, numbers as numbers)."""

    name: str
    role: Role
    label: str
    unit: str | None
    values: tuple[Any, ...]

    @property
    def title(self) -> str:
        """The label with its unit."""
        return with_unit(self.label, self.unit)

    @property
    def distinct(self) -> int:
        """How many different values there are; missing counts as one."""
        return len(set(self.values))


@dataclass(frozen=True)
class Shape:
    """All columns of a result, the number the question is about first among the numbers."""

    fields: tuple[Field, ...]
    row_count: int

    def of(self, *roles: Role) -> list[Field]:
        """The fields with one of these roles that tell rows apart: a constant column does not, unless a number."""
        return [
            f
            for f in self.fields
            if f.role in roles and (f.role is Role.NUMBER or f.distinct > 1 or self.row_count == 1)
        ]

    @property
    def numbers(self) -> list[Field]:
        """The number columns."""
        return self.of(Role.NUMBER)

    @property
    def groups(self) -> list[Field]:
        """The columns that name or order the rows, in the result's order."""
        return self.of(Role.CATEGORY, Role.ORDINAL, Role.TIME)

    def unique(self, *fields: Field) -> bool:
        """Whether no two rows have the same values in these fields."""
        return len(set(zip(*(f.values for f in fields), strict=True))) == self.row_count


def shape_of(
    columns: Sequence[Column | str], rows: Sequence[dict[str, Any]], *, focus: str = "", level: str = ""
) -> Shape:
    """Read the shape. `focus` names the metric of the question, `level` what a column called just `name` names."""
    known = [c if isinstance(c, Column) else Column(name=c) for c in columns] or [
        Column(name=k) for k in (rows[0] if rows else ())
    ]
    named = _without_column(level, {column.name for column in known})
    fields = [_field(column, [row.get(column.name) for row in rows], named) for column in known]
    wanted = set(words_of(focus))
    fields.sort(key=lambda f: f.role is Role.NUMBER and -len(wanted & set(words_of(f.name))))
    return Shape(tuple(fields), len(rows))


def _without_column(level: str, columns: set[str]) -> str:
    """The one group of `level` ("month, airlines") that has no column of its own name; empty when that is not one."""
    groups = [group for part in level.split(",") if (group := part.strip()) not in columns]
    return groups[0] if len(groups) == 1 and groups[0] != "unknown" else ""


def _field(column: Column, raw: list[Any], level: str) -> Field:
    role = _role(column, [v for v in raw if v is not None])
    unit = unit_of(column.name, column.unit)
    plain_name = words_of(column.name) == ["name"] and level
    label = label_of(singular(level) if plain_name else column.name, unit)
    return Field(column.name, role, readable(label), unit and readable(unit), tuple(_clean(v, role) for v in raw))


def _role(column: Column, present: list[Any]) -> Role:
    if present and all(_number(v) is not None for v in present) and column.type not in ("string", "boolean"):
        return _number_role(column.name, present)
    texts = [v for v in present if isinstance(v, str)]
    if texts and len(texts) == len(present):
        return _text_role(column, texts)
    return Role.NUMBER if not present and column.type in ("number", "integer") else Role.CATEGORY


def _number_role(name: str, present: Iterable[Any]) -> Role:
    words = words_of(name)
    whole = all(float(v).is_integer() for v in present)
    if not whole or is_aggregate(name) or not words:
        return Role.NUMBER
    if words[-1] in _ORDERED_PARTS or words[0] == "year":
        return Role.ORDINAL
    return Role.CATEGORY if words[-1] in _IDENTIFIERS and words != ["number"] else Role.NUMBER


def _text_role(column: Column, texts: list[str]) -> Role:
    if column.type != "string" and all(_ISO_TIME.fullmatch(t) for t in texts):
        return Role.TIME
    if column.type == "time" or calendar_of(texts):
        return Role.ORDINAL
    return Role.CATEGORY


def readable(text: str) -> str:
    """The text with control characters and halves of characters replaced: no drawing engine takes them."""
    return _UNDRAWABLE.sub("\N{REPLACEMENT CHARACTER}", text)


def calendar_of(values: Iterable[Any]) -> tuple[str, ...]:
    """The names of months or weekdays that all these values are of (in full or as three letters), else empty."""
    texts = {str(v) for v in values if v is not None and v != MISSING}
    calendars = (names for full in (MONTHS, WEEKDAYS) for names in (full, tuple(n[:3] for n in full)))
    return next((names for names in calendars if texts and texts <= set(names)), ())


def _number(value: Any) -> float | int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        return float(value) if re.fullmatch(r"-?\d+(\.\d+)?([eE][+-]?\d+)?", value) else None
    return value if isinstance(value, int | float) else None


def _clean(value: Any, role: Role) -> Any:
    if role is Role.NUMBER:
        number = _number(value)
        return number if number is not None and abs(number) < LARGEST else None
    if value is None:
        return MISSING if role is not Role.TIME else None
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if role is Role.TIME:
        return f"{value[:10]}T{value[11:19] or '00:00:00'}"
    if role is Role.ORDINAL and _number(value) is not None:
        return int(float(value))
    return readable(str(value))
