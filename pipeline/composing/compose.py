"""The parts of a complex question put together: one table where their rows fit, one dashboard, one interpretation."""

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict

from agents.contract import DataResult, VizResult
from pipeline.composing.dashboard import dashboard_of
from pipeline.composing.part import Part
from pipeline.composing.rows import joined, keys_of

__all__ = ["Composed", "NothingToCompose", "Part", "compose"]


class NothingToCompose(Exception):
    """No part of the question has an answer, so there is nothing to put together."""

    def __init__(self, parts: Sequence[Part]) -> None:
        super().__init__(" ".join(_unanswered(part) for part in parts) or "The question has no parts.")


class Composed(BaseModel):
    """The answer to a complex question; `data` is None when the parts' rows do not fit into one table."""

    model_config = ConfigDict(frozen=True)

    interpretation: str
    data: DataResult | None
    chart: VizResult


def compose(query: str, parts: Sequence[Part]) -> Composed:
    """Put the parts together; pure. Raises `NothingToCompose` when no part has a result (no rows are a result)."""
    if all(part.data is None for part in parts):
        raise NothingToCompose(parts)
    data = joined(parts)
    return Composed(interpretation=_interpretation(parts, data), data=data, chart=dashboard_of(query, parts))


def _interpretation(parts: Sequence[Part], data: DataResult | None) -> str:
    said = [_answered(part) if part.data is not None else _unanswered(part) for part in parts]
    if data is not None:
        keys = [name.replace("_", " ") for name in keys_of(parts)]
        said.append(f"The parts are joined by {' and '.join(keys)}." if keys else "The parts stand in one row.")
    return " ".join(said)


def _answered(part: Part) -> str:
    text = _sentence(part.interpretation or part.title)
    if part.data is not None and not part.data.rows:
        return f"{text} There are no such rows."
    return text


def _unanswered(part: Part) -> str:
    return f"“{part.title}” is not answered: {_sentence(part.missing or 'no reason is known')}"


def _sentence(text: str) -> str:
    return text.strip().removesuffix(".") + "."
