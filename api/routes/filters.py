"""Which workflows: the filters of lists, and of what is done to many at once."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, BeforeValidator, Field

from api.problems import Problem
from state.errors import BadCursor
from state.listing import ENOUGH_SEARCHED, MOST, SEARCH_FOR_S, Cursor, Listing
from state.model import WorkflowStatus

_LONGEST_MS = 10**12  # thirty years
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
CURSOR_EXAMPLE = str(Cursor(1_769_860_800_123, "c0ffee00c0ffee00c0ffee00c0ffee00"))


def _moment(given: Any) -> datetime:
    """Not pydantic's own reading, which takes a bare number for seconds since 1970."""
    if not isinstance(given, str):
        raise ValueError("must be a text, as 2026-01-31T00:00:00Z")  # noqa: TRY004 - pydantic wants this one
    return datetime.fromisoformat(given)


Moment = Annotated[AwareDatetime, BeforeValidator(_moment)]
# What `Cursor.parse` takes, but for places after the year 4199.
_CURSOR_PATTERN = "^AAA[A-Za-z0-9_-]{29}$"
Place = Annotated[
    str | None, Field(max_length=100, examples=[CURSOR_EXAMPLE], json_schema_extra={"pattern": _CURSOR_PATTERN})
]


class Filters(BaseModel):
    """What a workflow must be, all of it; a filter that is left out asks for nothing."""

    status: list[WorkflowStatus] = Field(
        [], max_length=20, description="May be repeated: any of them.", examples=[["FAILED"]]
    )
    failed_agent: str = Field(
        "", max_length=100, description="A step of this agent has failed.", examples=["data"]
    )
    min_duration_ms: int = Field(
        0, ge=0, le=_LONGEST_MS, description="Lasted at least so long: from its creation to its end, or until now.",
        examples=[60_000],
    )
    text: str = Field(
        "",
        max_length=200,
        description="Stands in the question, in whatever case. A search goes through no more than the "
        f"{ENOUGH_SEARCHED:,} newest for one page, and begins no read of them after {SEARCH_FOR_S * 1000:.0f} ms.",
        examples=["delay"],
    )
    created_after: Moment | None = Field(
        None,
        description="Created at this moment or later: ISO 8601 with its zone (`+` is written `%2B` in a URL).",
        examples=["2026-01-31T00:00:00Z"],
    )
    created_before: Moment | None = Field(
        None, description="Created before this moment.", examples=["2026-02-01T00:00:00Z"]
    )

    def listing(self, cursor: str | None, limit: int = MOST) -> Listing:
        """What the store is asked for, from `cursor` on; raises `Problem` when that is none."""
        return Listing(
            limit=limit,
            after=None if cursor is None else _place(cursor),
            statuses=frozenset(self.status),
            from_ms=_first_ms(self.created_after),
            to_ms=_first_ms(self.created_before),
            failed_agent=self.failed_agent,
            min_duration_ms=self.min_duration_ms,
            text=self.text,
        )


def _place(cursor: str) -> Cursor:
    try:
        return Cursor.parse(cursor)
    except BadCursor as error:
        raise Problem(
            "invalid_request",
            f"cursor: {error}",
            recovery_action="correct_request",
            suggestions=["Send the next_cursor of an answer as it is, or none to begin with the newest."],
        ) from error


def _first_ms(at: datetime | None) -> int | None:
    """The first whole millisecond at or after `at`."""
    return None if at is None else -((_EPOCH - at) // timedelta(milliseconds=1))
