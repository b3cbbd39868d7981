"""What an operator may ask to be done to workflows, and what became of it."""

from typing import Annotated, Any

from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field, model_validator

from api.access.caller import caller_of
from api.routes.filters import CURSOR_EXAMPLE, Filters, Place
from core.settings import get_settings
from state.model import WorkflowStatus

MANY = 1_000
# As OpenAPI says it: a filter that is named must ask for something.
_NOT_EMPTY = {
    "status": {"minItems": 1},
    "failed_agent": {"minLength": 1},
    "min_duration_ms": {"minimum": 1},
    "text": {"minLength": 1},
    "created_after": {"type": "string"},
    "created_before": {"type": "string"},
}


class Wish(BaseModel):
    """Who wants it, and why; both go into the workflow's history."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"actor": "ann", "reason": "wrong month"}})

    actor: str = Field("api", min_length=1, max_length=200)
    reason: str = Field("", max_length=500)


class RetryWish(Wish):
    """Run it again: from `step`, else from what has no good output; with a `query`, ask anew and keep the old."""

    model_config = ConfigDict(
        extra="forbid",
        str_strip_whitespace=True,
        json_schema_extra={
            "example": {"step": "data", "actor": "ann"},
            "not": {
                "required": ["step", "query"],
                "properties": {"step": {"pattern": r"\S"}, "query": {"pattern": r"\S"}},
            },
        },
    )

    step: str = Field("", max_length=100, description="First step to run again.")
    query: str = Field("", max_length=get_settings().query_max_chars, description="The question, put differently.")

    @model_validator(mode="after")
    def _one_of_both(self) -> "RetryWish":
        if self.step and self.query:
            raise ValueError("give a step to run again from, or another question, not both")
        return self


def _ids_or_filters(example: dict[str, Any]) -> ConfigDict:
    def described(schema: dict[str, Any]) -> None:
        schema["example"] = example
        schema["oneOf"] = [{"required": ["ids"]}, {"anyOf": [{"required": [name]} for name in _NOT_EMPTY]}]
        for name, bound in _NOT_EMPTY.items():
            schema["properties"][name].update(bound)
            schema["properties"][name].pop("default", None)

    return ConfigDict(extra="forbid", json_schema_extra=described)


class ManyWish(Wish, Filters):
    """The same for many: by id, or all that the filters fit, the newest first."""

    model_config = _ids_or_filters({"status": ["QUEUED", "RUNNING"], "reason": "maintenance"})

    ids: list[Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]] = Field([], min_length=1, max_length=MANY)
    limit: int = Field(MANY, ge=1, le=MANY, description="At most so many of those that the filters fit.")
    cursor: Place = Field(None, description="`next_cursor` of the answer before, with the same filters.")

    @model_validator(mode="after")
    def _one_of_both(self) -> "ManyWish":
        """A filter that a script left empty by mistake must not choose more than was meant."""
        named = [name for name in Filters.model_fields if name in self.model_fields_set]
        if bool(self.ids) == bool(named):
            raise ValueError(f"give ids or filters ({', '.join(Filters.model_fields)}), and not both")
        if empty := [name for name in named if not getattr(self, name)]:
            raise ValueError(f"{empty[0]} is empty: a filter that is given must ask for something")
        return self


class RetryManyWish(ManyWish):
    """Run many again: each from `step`, else from what has no good output."""

    model_config = _ids_or_filters(
        {"failed_agent": "data", "created_after": "2026-01-31T00:00:00Z", "reason": "the database is back"}
    )

    step: str = Field("", max_length=100, description="First step to run again, of each.")


class Changed(BaseModel):
    """Where the workflow stands now, and whether this call changed it."""

    workflow_id: str
    status: WorkflowStatus | None
    changed: bool
    problem: str = ""


class ManyChanged(BaseModel):
    """One result a workflow, and how many were changed; a `next_cursor` of null means that the filters fit no more."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "changed": 1,
                "results": [
                    {
                        "workflow_id": "c0ffee00c0ffee00c0ffee00c0ffee00",
                        "status": "QUEUED",
                        "changed": True,
                        "problem": "",
                    }
                ],
                "next_cursor": CURSOR_EXAMPLE,
            }
        }
    )

    changed: int
    results: list[Changed]
    next_cursor: str | None


def actor_of(request: Request, wish: Wish) -> str:
    """Who acts, for the workflow's history: with keys the key is named too."""
    return caller_of(request).acting_as(wish.actor)
