"""`python -m deploy.configuration > docs/configuration.md`: the page of all settings, from their one home."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal, get_args, get_origin

from pydantic.fields import FieldInfo

from core.settings import ROOT, Settings

HEAD = """\
# Configuration

Every setting is an environment variable. A file `.env` in the working directory may set it too; the environment wins.
What neither sets may stand in a file `/run/secrets/<name in small letters>`, as [containers](containers.md) have it.
Units stand in the names (`_S` seconds, `_MS` milliseconds). One place reads them, `core/settings.py`, from which
this page is made (`python -m deploy.configuration > docs/configuration.md`).

    API_PORT=8010 WORKFLOW_DEADLINE_S=60 make run

| variable | default | what it does |
|---|---|---|
"""


def page() -> str:
    """The whole page."""
    return HEAD + "".join(f"{row}\n" for row in _rows())


def _rows() -> Iterator[str]:
    for name, field in Settings.model_fields.items():
        meaning = " ".join((field.description or "").split())
        yield f"| `{name.upper()}` | {_default(field.default)} | {meaning}{_choices(field)} |".replace("|  |", "| |")


def _default(value: object) -> str:
    if isinstance(value, Path):
        return f"`{value.relative_to(ROOT)}`"
    return f"`{value}`" if value != "" else ""


def _choices(field: FieldInfo) -> str:
    if get_origin(field.annotation) is not Literal:
        return ""
    return " One of " + ", ".join(f"`{choice}`" for choice in get_args(field.annotation)) + "."


if __name__ == "__main__":
    print(page(), end="")
