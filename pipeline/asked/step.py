"""A step of a plan that somebody wrote, as it comes in, and the references in its input."""

from collections.abc import Iterator
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from pipeline.inputs import FROM

DEEPEST: Final = 32  # an input's nesting
_KNOWN: Final = frozenset({FROM, "path", "default"})


def _not_too_deep(given: dict[str, Any]) -> dict[str, Any]:
    level: list[Any] = [given]
    for _ in range(DEEPEST):
        level = [inner for item in level for inner in _inside(item)]
    if level:
        raise ValueError(f"nested more than {DEEPEST} deep")
    return given


def _inside(item: Any) -> list[Any]:
    if isinstance(item, dict):
        return list(item.values())
    return item if isinstance(item, list) else []


class AskedStep(BaseModel):
    """One step of a plan: which agent, after which steps, with what input."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "example": {"name": "rows", "agent": "data", "input": {"sql_query": "SELECT count(*) AS n FROM flights"}}
        },
    )

    name: str = Field(max_length=200, description="Letters, digits, - and _, a letter first; unique in the plan.")
    agent: str = Field(max_length=200, description="nlp, data, viz, compose, or a further agent by its name in AGENTS.")
    after: list[str] = Field(default_factory=list, max_length=1_000, description="Steps that must have ended before.")
    optional: bool = Field(False, description="Whether the answer may do without it; it is then marked as degraded.")
    query: str = Field("", max_length=200, description="Which of the nlp agent's queries a data or viz step is about.")
    input: Annotated[dict[str, Any], AfterValidator(_not_too_deep)] = Field(
        default_factory=dict,
        description='Fields of the agent\'s payload. `{"$from": "step", "path": "rows.0.city"}` stands for what that '
        'step gave, and makes this one wait for it; with "default" it may be missing.',
    )


def references_in(value: Any) -> Iterator[dict[str, Any]]:
    """Every `{"$from": ...}` in an input."""
    open_ = [value]
    while open_:
        item = open_.pop()
        if isinstance(item, dict) and FROM in item:
            yield item
        else:
            open_ += _inside(item)


def faults_of(step: str, reference: dict[str, Any]) -> Iterator[str]:
    """What is wrong with a reference as such."""
    if not isinstance(reference[FROM], str):
        yield f'Step \'{step}\': `$from` in its input must be a step\'s name, as in {{"$from": "rows"}}.'
    if not isinstance(reference.get("path", ""), str):
        yield f"Step '{step}': `path` in its input must be a text, as in rows.0.city."
    if further := sorted(set(reference) - _KNOWN):
        yield f"Step '{step}': beside `$from` only path and default are known, not {further[0]}."
