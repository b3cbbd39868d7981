"""Errors as problem documents (RFC 9457), and the one table from error to HTTP status."""

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict
from starlette.exceptions import HTTPException

from api.access.headers import headers_for
from api.access.roles import methods_of
from breakers import BreakerStoreAway
from core.logging import get_logger
from core.store_fault import StoreFault
from pipeline.asked.plan import BadPlan
from pipeline.plan import PlanTooLarge
from state.errors import KeyUsedOtherwise, NewerRecord, NoRoom, StoreUnavailable

log = get_logger(__name__)
MEDIA_TYPE = "application/problem+json"
NEWER_API_AGAIN_S = 10.0  # a guess: by then the request may reach an API that was upgraded
ROOM_AGAIN_S = 5.0  # a guess: when room may be there again
STORE_AGAIN_S = 2.0
REFUSED_AGAIN_S = 30.0  # somebody has to do something about it

# The HTTP status of each error type that a workflow may end with, or that the door answers with.
STATUS: dict[str, int] = {
    "question_not_understood": 422,
    "rejected": 422,
    "invalid_request": 422,
    "plan_too_large": 422,
    "bad_plan": 422,
    "missing_input": 422,
    "unauthenticated": 401,
    "forbidden": 403,
    "too_large": 413,
    "not_found": 404,
    "other_cell": 421,
    "not_yet": 409,
    "cancelled": 409,
    "forbidden_by_status": 409,
    "in_flight": 409,
    "idempotency_key_reused": 422,
    "rate_limited": 429,
    "too_many_requests": 429,
    "too_many_open": 429,
    "queue_full": 429,
    "agent_error": 502,
    "invalid_response": 502,
    "agent_unavailable": 503,
    "store_unavailable": 503,
    "newer_record": 503,
    "agent_timeout": 504,
    "too_many_events": 500,
    "internal_error": 500,
}
_TITLES = {
    "question_not_understood": "The question was not understood",
    "rejected": "The request was rejected by an agent",
    "invalid_request": "The request is not valid",
    "plan_too_large": "The plan has too many steps",
    "bad_plan": "The plan cannot be carried out",
    "missing_input": "A step's input is missing",
    "unauthenticated": "A key is asked for",
    "forbidden": "This is not allowed",
    "too_large": "The request is too large",
    "not_found": "There is no such thing",
    "other_cell": "It belongs to another cell",
    "not_yet": "It is not there yet",
    "cancelled": "The question was cancelled",
    "forbidden_by_status": "Its status forbids it",
    "in_flight": "It is still at work",
    "idempotency_key_reused": "The idempotency key was used for another request",
    "rate_limited": "An agent asks to slow down",
    "too_many_requests": "Too many requests",
    "too_many_open": "Too many workflows are open",
    "queue_full": "Too many questions wait already",
    "agent_error": "An agent failed",
    "invalid_response": "An agent gave an answer that cannot be used",
    "agent_unavailable": "An agent cannot be reached",
    "store_unavailable": "The store is away",
    "newer_record": "A newer release recorded it",
    "agent_timeout": "It took too long",
    "too_many_events": "The same thing happened again and again",
    "internal_error": "Something went wrong on our side",
}


_TO_OPERATORS = {
    StoreFault.FULL: "Whoever runs Valkey: give it more memory (CONFIG SET maxmemory; see docs/containers.md).",
    StoreFault.UNSAVED: "Whoever runs Valkey: look at the disk of its data folder, and at its log.",
    StoreFault.READ_ONLY: "Whoever runs Valkey: REDIS_URL must name the primary, with the replicas it waits for.",
}


class ProblemDocument(BaseModel):
    """A problem document (RFC 9457); an agent's own words may add fields."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    detail: str
    error_type: str
    recovery_action: str
    suggestions: list[str]
    retry_after_s: float | None = None


def documented(descriptions: Mapping[int, str]) -> dict[int | str, dict[str, Any]]:
    """`responses=` of a route: each status with what it means, as a problem document."""
    schema = ProblemDocument.model_json_schema()
    return {
        status: {"description": text, "content": {MEDIA_TYPE: {"schema": schema}}}
        for status, text in descriptions.items()
    }


class Problem(Exception):
    """What happened (`detail`), what it is (`error_type`), what to do (`recovery_action`, `suggestions`)."""

    def __init__(
        self,
        error_type: str,
        detail: str,
        *,
        recovery_action: str = "retry",
        suggestions: list[str] | None = None,
        retry_after_s: float | None = None,
        extra: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.error_type = error_type
        self.status = STATUS.get(error_type, 502)
        self.title = _TITLES.get(error_type, "The question could not be answered")
        self.detail = detail
        self.recovery_action = recovery_action
        self.suggestions = suggestions or []
        self.retry_after_s = retry_after_s
        self.extra = dict(extra or {})
        self.headers = dict(headers or {})

    def document(self) -> dict[str, Any]:
        """The problem document."""
        body: dict[str, Any] = {
            **self.extra,
            "type": f"urn:baton:problem:{self.error_type}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "error_type": self.error_type,
            "recovery_action": self.recovery_action,
            "suggestions": self.suggestions,
        }
        if self.retry_after_s is not None:
            body["retry_after_s"] = self.retry_after_s
        return body

    def response(self) -> JSONResponse:
        """The answer to send; `Retry-After` in whole seconds where waiting helps."""
        waiting = {} if self.retry_after_s is None else {"Retry-After": str(max(1, round(self.retry_after_s)))}
        return JSONResponse(self.document(), self.status, {**self.headers, **waiting}, media_type=MEDIA_TYPE)


def store_away(why: str = "", fault: StoreFault = StoreFault.AWAY) -> Problem:
    """Valkey cannot be used; `why` says what that means for the request, where it is not plain."""
    means = "be accepted or changed" if fault.reads else "be read or accepted"
    problem = Problem(
        "store_unavailable",
        f"{fault.said}, so workflows cannot {means} just now. Accepted ones are safe and go on by themselves when that "
        "is over." + (f" {why}" if why else ""),
        recovery_action="wait_and_retry",
        suggestions=["Try again in a few seconds." if fault is StoreFault.AWAY else _TO_OPERATORS[fault]],
        retry_after_s=STORE_AGAIN_S if fault is StoreFault.AWAY else REFUSED_AGAIN_S,
        extra={"store": fault},
    )
    problem.title = store_title(fault)
    return problem


def store_title(fault: StoreFault) -> str:
    """The fault as those know it who know the store and not its server."""
    return fault.headline.replace("Valkey", "The store")


def no_room(error: NoRoom) -> Problem:
    """No further workflow is taken just now; nothing was recorded."""
    return Problem(
        "queue_full" if error.setting == "QUEUE_MAX" else "too_many_open",
        f"Not accepted: {error}.",
        recovery_action="wait_and_retry",
        suggestions=["Ask again when some have ended."],
        retry_after_s=ROOM_AGAIN_S,
    )


def install(app: FastAPI) -> None:
    """Make every error of `app` a problem document."""
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(KeyUsedOtherwise, _key_reused)
    app.add_exception_handler(NoRoom, _no_room)
    app.add_exception_handler(NewerRecord, _newer_record)
    app.add_exception_handler(PlanTooLarge, _plan_too_large)
    app.add_exception_handler(BadPlan, _bad_plan)
    app.add_exception_handler(StoreUnavailable, _store_away)
    app.add_exception_handler(BreakerStoreAway, _store_away)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _bug)


async def _problem(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, Problem)  # noqa: S101 - narrows the type
    return error.response()


async def _invalid(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - narrows the type
    faults = [_fault(fault) for fault in error.errors()]
    first = faults[0]
    return Problem(
        "invalid_request",
        f"{first['field']}: {first['message']}",
        recovery_action="correct_request",
        suggestions=["Compare the request with the examples in /api/openapi.json."],
        extra={"errors": faults},
    ).response()


def _fault(fault: Mapping[str, Any]) -> dict[str, str]:
    where = fault["loc"]
    if fault["type"] == "json_invalid":
        return {"field": "body", "message": f"not JSON: {fault['ctx']['error']} at character {where[-1]}"}
    return {"field": ".".join(str(part) for part in where[1:]) or str(where[0]), "message": fault["msg"]}


async def _store_away(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, StoreUnavailable | BreakerStoreAway)  # noqa: S101 - narrows the type
    log.warning("store_away", path=request.url.path, fault=error.fault, error=str(error))
    return store_away(fault=error.fault).response()


async def _no_room(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, NoRoom)  # noqa: S101 - narrows the type
    return no_room(error).response()


async def _newer_record(_: Request, error: Exception) -> JSONResponse:
    return Problem(
        "newer_record",
        f"It cannot be read here: {error}. It is safe, and workers of that release go on with it.",
        recovery_action="wait_and_retry",
        suggestions=["Ask an API of the newer release, or upgrade this one (docs/upgrades.md)."],
        retry_after_s=NEWER_API_AGAIN_S,
    ).response()


async def _plan_too_large(_: Request, error: Exception) -> JSONResponse:
    return Problem("plan_too_large", str(error), recovery_action="correct_request").response()


async def _bad_plan(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, BadPlan)  # noqa: S101 - narrows the type
    return Problem(
        "bad_plan", f"{error}; nothing was recorded.", recovery_action="correct_request", suggestions=error.faults[:20]
    ).response()


async def _key_reused(_: Request, error: Exception) -> JSONResponse:
    return Problem(
        "idempotency_key_reused",
        f"Idempotency-Key: {error}",
        recovery_action="correct_request",
        suggestions=["Send another request with another key, and the same one as it was."],
    ).response()


async def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101 - narrows the type
    if error.status_code == 400:  # how the framework says that it cannot read a body
        return Problem("invalid_request", f"body: {error.detail}", recovery_action="correct_request").response()
    kind = "not_found" if error.status_code == 404 else "invalid_request"
    problem = Problem(
        kind,
        f"{request.method} {request.url.path}: {error.detail}",
        recovery_action="correct_request",
        suggestions=["The API is described in /api/openapi.json."],
    )
    problem.status = error.status_code
    response = problem.response()
    response.headers.update(error.headers or {})
    if error.status_code == 405:  # the framework names the methods of the first route that fits
        response.headers["Allow"] = ", ".join(methods_of(request.url.path))
    return response


async def _bug(request: Request, error: Exception) -> JSONResponse:
    log.error("request_failed", path=request.url.path, exc_info=error)
    response = Problem(
        "internal_error", "An unexpected error; it is in the API's log.", recovery_action="contact_support"
    ).response()
    response.headers.update(headers_for(request.scope))  # sent past every middleware
    return response
