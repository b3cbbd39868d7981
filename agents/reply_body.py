"""The body of an agent's reply, decoded within bounds, whoever wrote it.

What comes out can be written as strict JSON again: no half characters, no numbers beyond what a float holds, no depth
that a recursive reader could not follow.
"""

import json
import math
from typing import Any, Final

from pydantic_core import from_json

MAX_NODES: Final = 1_000_000  # objects and lists; empty ones take three bytes on the wire and 64 here
_BLOCK: Final = 150  # bytes; an integer beyond a float has 309 digits, so it fills at least one block
_BOM: Final = b"\xef\xbb\xbf"


def decoded(body: bytes) -> object:
    """The JSON value of `body`; raises `ValueError` saying why there is none.

    `NaN`, infinite numbers and integers that no float holds become null: data frames write the first, and nobody
    downstream could read them.
    """
    if body.count(b"{") + body.count(b"[") > MAX_NODES:
        raise ValueError(f"it has more than {MAX_NODES:,} objects and lists")
    reply: object = from_json(body.removeprefix(_BOM))
    try:
        json.dumps(reply, allow_nan=False)
    except ValueError:
        return _finite(reply)
    huge = any(body[at : at + _BLOCK].isdigit() for at in range(0, len(body) - _BLOCK, _BLOCK))
    return _finite(reply) if huge else reply


def _finite(node: Any) -> Any:
    """A copy with null for every number that no float holds; as deep as `from_json` lets it be."""
    if isinstance(node, dict):
        return {name: _finite(value) for name, value in node.items()}
    if isinstance(node, list):
        return [_finite(value) for value in node]
    return None if isinstance(node, (int, float)) and not _holds(node) else node


def _holds(number: float) -> bool:
    try:
        return math.isfinite(float(number))
    except OverflowError:
        return False
