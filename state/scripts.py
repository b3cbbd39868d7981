"""The Lua sources: `metrics`, `sides` and `record` stand before a transition; those that concern many stand alone.

Every one begins with the record's version, so that a script knows which records are newer than itself.
"""

from functools import cache
from pathlib import Path

from state.version import VERSION

_FOLDER = Path(__file__).parent / "lua"
_SHARED = ("metrics", "sides", "record")
_ALONE = frozenset({"renew", "look", "trim", "summaries", "faults", "rollout", "turn"})


@cache
def source(name: str) -> str:
    """The text of script `name`."""
    parts = (name,) if name in _ALONE else (*_SHARED, name)
    return "\n".join((f"local VERSION = {VERSION}", *((_FOLDER / f"{part}.lua").read_text() for part in parts)))
