"""The Lua sources: a record's transitions have `record.lua` in front; `renew`, `look` and `trim` stand alone."""

from functools import cache
from pathlib import Path

_FOLDER = Path(__file__).parent / "lua"
_ALONE = frozenset({"renew", "look", "trim"})


@cache
def source(name: str) -> str:
    """The text of script `name`."""
    text = (_FOLDER / f"{name}.lua").read_text()
    return text if name in _ALONE else (_FOLDER / "record.lua").read_text() + "\n" + text
