"""Which Vega-Lite specs may be drawn, in a person's browser or in a process of ours, whoever wrote them.

Refused is what reaches outside the spec (addresses, images, options of the embedding page) and what asks for more work
than its data warrants (generated rows, endless steps, thousands of parts).
"""

import json
import re
from collections.abc import Iterator
from typing import Any, Final

MAX_SPEC_CHARS: Final = 8_000_000
MAX_PARTS: Final = 20_000  # objects and lists beside the rows
MAX_TRANSFORMS: Final = 200
MAX_GENERATED: Final = 10_000
_OUTSIDE: Final = frozenset({"url", "href", "sequence", "graticule", "sphere", "usermeta", "keyvals"})
_COUNTS: Final = frozenset({"maxbins", "steps", "maxsteps", "minsteps", "tickCount"})
_ROWS: Final = frozenset({"values", "datasets"})
_WORDS: Final = frozenset({"title", "text", "subtitle", "description", "field", "name"})  # shown, not computed
_GENERATES: Final = re.compile(r"\b(sequence|pad|timeSequence|utcSequence)\s*\(", re.IGNORECASE)


class UnsafeSpec(ValueError):
    """The spec is refused; the message says why, as the end of a sentence about it."""


def require_safe(spec: dict[str, Any]) -> None:
    """Raise `UnsafeSpec` unless the spec may be drawn."""
    if len(json.dumps(spec, default=str)) > MAX_SPEC_CHARS:
        raise UnsafeSpec("is too large")
    transforms = 0
    for parts, node in enumerate(_nodes(spec)):
        if parts >= MAX_PARTS:
            raise UnsafeSpec(f"has more than {MAX_PARTS:,} parts")
        if isinstance(node, dict):
            _require_safe_object(node)
            transforms += len(node["transform"]) if isinstance(node.get("transform"), list) else 0
        if transforms > MAX_TRANSFORMS:
            raise UnsafeSpec(f"has more than {MAX_TRANSFORMS} transforms")


def _nodes(spec: dict[str, Any]) -> Iterator[Any]:
    """Every object and list that is no row."""
    waiting: list[Any] = [spec]
    while waiting:
        node = waiting.pop()
        yield node
        inside = node if isinstance(node, list) else [value for name, value in node.items() if name not in _ROWS]
        waiting.extend(value for value in inside if isinstance(value, (dict, list)))


def _require_safe_object(node: dict[str, Any]) -> None:
    if found := sorted(_OUTSIDE & node.keys()):
        raise UnsafeSpec(f"uses '{found[0]}'; only data inside the spec is drawn")
    mark = node.get("mark")
    if "image" in (mark, mark.get("type") if isinstance(mark, dict) else None):
        raise UnsafeSpec("uses images; only shapes and text are drawn")
    for name, value in node.items():
        if isinstance(value, str) and (called := _GENERATES.search(value)) and name not in _WORDS:
            raise UnsafeSpec(f"calls '{called[1]}' in an expression")
        if name in _COUNTS and _is_more_than(value, MAX_GENERATED):
            raise UnsafeSpec(f"asks for {name} = {value}; at most {MAX_GENERATED:,} are drawn")


def _is_more_than(value: Any, most: int) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and value > most
