"""`Idempotency-Key`: a question that is sent again leads to the workflow that its first sending began.

As in the IETF draft "The Idempotency-Key HTTP Header Field". A key counts for `IDEMPOTENCY_TTL_S`, and for its owner
alone. It is recorded together with the workflow or not at all: who dies in between leaves no key behind.
"""

from typing import Annotated, Final

from fastapi import Header, Request
from pydantic import BaseModel

from api.access.caller import caller_of
from api.problems import Problem
from core.settings import get_settings
from state.idempotency import Once, once

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        pattern=r"^[!-~]{1,200}$",
        description="Sent again with the same request, it leads to the same workflow, and nothing new begins; "
        "the answer then has the header `Idempotency-Replayed`. Up to 200 visible ASCII characters.",
        examples=["8e03978e-40d5-43dd-bc93-6894a57f9324"],
    ),
]
REPLAYED: Final = {"Idempotency-Replayed": "true"}
LOOK_AGAIN_S: Final = 1.0


def once_of(request: Request, key: str | None, body: BaseModel) -> Once | None:
    """The request's key, for `start`; None without one."""
    if key is None:
        return None
    asked = {"method": request.method, "path": request.url.path, "body": body.model_dump(mode="json")}
    return once(key, asked, scope=caller_of(request).name, ttl_s=get_settings().idempotency_ttl_s)


def still_at_work(links: dict[str, str]) -> Problem:
    """409 for a request whose first sending waits for its answer still."""
    return Problem(
        "in_flight",
        "The first request with this Idempotency-Key is still at work.",
        recovery_action="wait_and_retry",
        suggestions=["Send it again a little later, or with Prefer: wait=30 to wait for the answer."],
        retry_after_s=LOOK_AGAIN_S,
        extra={"links": links},
        headers=REPLAYED,
    )
