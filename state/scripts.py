"""The Lua sources: every transition of a record has `record.lua` in front of it; `renew` and `look` stand alone."""

from functools import cache
from pathlib import Path

_FOLDER = Path(__file__).parent / "lua"
_ALONE = frozenset({"renew", "look"})


@cache
def source(name: str) -> str:
    """The text of script `name`."""
    text = (_FOLDER / f"{name}.lua").read_text()
    return text if name in _ALONE else (_FOLDER / "record.lua").read_text() + "\n" + text
