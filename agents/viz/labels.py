"""Column names as people would write them: `avg_dep_delay` in minutes -> "average departure delay (minutes)"."""

import re

AGGREGATES = {
    "avg": "average",
    "average": "average",
    "mean": "average",
    "median": "median",
    "max": "maximum",
    "maximum": "maximum",
    "min": "minimum",
    "minimum": "minimum",
    "sum": "total",
    "total": "total",
    "stddev": "standard deviation of",
    "pct": "percentage",
    "percent": "percentage",
}
COUNTS = frozenset({"count", "cnt", "n", "num"})
WORDS = {
    "dep": "departure",
    "arr": "arrival",
    "dest": "destination",
    "temp": "temperature",
    "dewp": "dew point",
    "humid": "humidity",
    "precip": "precipitation",
    "visib": "visibility",
    "lat": "latitude",
    "lon": "longitude",
    "tz": "time zone",
    "tailnum": "tail number",
    "sched": "scheduled",
    "dir": "direction",
    "avg": "average",
    "qty": "quantity",
    "id": "ID",
}
UNITS = {"mm": "mm", "cm": "cm", "km": "km", "g": "g", "kg": "kg", "usd": "USD", "eur": "EUR", "mph": "mph", "ms": "ms"}
BINS = frozenset({"bin", "bucket", "bins", "range", "interval"})
_NOISE = frozenset({"star", "distinct"})
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[^\W\d_A-Z]+|\d+|[^\W\d_]+")


def words_of(name: str) -> list[str]:
    """The words of a column name, lower case: `avg(dep_delay)`, `avgDepDelay` and `avg_dep_delay` read alike."""
    return [word.lower() for word in _WORD.findall(name) if word.lower() not in _NOISE]


def is_aggregate(name: str) -> bool:
    """Whether the name says that its numbers were counted or summed up."""
    words = words_of(name)
    return bool(words) and (words[0] in AGGREGATES or words[0] in COUNTS or words[-1] in COUNTS)


def is_count(name: str) -> bool:
    """Whether the name says that it counts something."""
    words = words_of(name)
    return bool(words) and (words[0] in COUNTS or words[-1] in COUNTS)


def unit_of(name: str, unit: str | None) -> str | None:
    """The unit given, else the one at the end of the name (`bill_length_mm`)."""
    words = words_of(name)
    return unit or (UNITS.get(words[-1]) if len(words) > 1 else None)


def label_of(name: str, unit: str | None = None) -> str:
    """The name in words, lower case, without its unit. A name with no word in it stands for itself."""
    words = words_of(name)
    if len(words) > 1 and words[-1] in UNITS:
        words = words[:-1]
    if not words:
        return name.strip() or "value"
    if words[0] in COUNTS or words[-1] in COUNTS:
        return _counted(words, unit)
    if words[-1] in AGGREGATES and words[0] not in AGGREGATES:
        words = [words[-1], *words[:-1]]
    head = AGGREGATES.get(words[0], WORDS.get(words[0], words[0]))
    return " ".join([head, *(WORDS.get(word, word) for word in words[1:])])


def without_bin(label: str) -> str:
    """The label of a column of ranges as that of what was cut into ranges."""
    return " ".join(word for word in label.split() if word not in BINS) or label


def singular(word: str) -> str:
    """One of these: `airlines` -> `airline`; words that only look like a plural stay."""
    if word in ("species", "series") or not word.endswith("s") or word.endswith(("ss", "us", "is")):
        return word
    if word.endswith("ies"):
        return f"{word[:-3]}y"
    return word[:-2] if word.endswith(("ches", "shes", "xes", "sses")) else word[:-1]


def with_unit(label: str, unit: str | None) -> str:
    """The label with its unit in brackets, unless it already says so."""
    if not unit or unit.lower() in label.lower().split():
        return label
    return f"{label} ({unit})"


def capitalised(text: str) -> str:
    """The first letter large, all others as they are."""
    return text[:1].upper() + text[1:]


def _counted(words: list[str], unit: str | None) -> str:
    rest = words[1:] if words[0] in COUNTS else words[:-1]
    things = " ".join(WORDS.get(word, word) for word in rest) or unit
    if not things:
        return "count"
    return f"number of {things if things.endswith('s') else things + 's'}"
