"""The control API: which rules are on, and what they did. Answers errors as problem documents (RFC 9457)."""

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from pydantic import TypeAdapter, ValidationError
from starlette.exceptions import HTTPException

from faults.front import Front
from faults.rules import Rule

RULES: TypeAdapter[list[Rule]] = TypeAdapter(list[Rule])


def control_app(fronts: Mapping[str, Front], running: AbstractAsyncContextManager[None]) -> FastAPI:
    """The app over `fronts`; `running` is entered when it starts and left when it stops."""
    app = FastAPI(title="Baton fault injection", lifespan=lambda _: running)
    app.exception_handler(HTTPException)(_http_problem)
    app.exception_handler(ValidationError)(_invalid_rules)

    def front(agent: str) -> Front:
        if agent not in fronts:
            raise HTTPException(404, f"There is no agent {agent!r}; there are {', '.join(fronts)}.")
        return fronts[agent]

    @app.get("/faults")
    async def everything() -> dict[str, Any]:
        """Rules and counters of every agent."""
        return {name: one.described(_told) for name, one in fronts.items()}

    @app.put("/faults/{agent}")
    async def put(agent: str, request: Request) -> dict[str, Any]:
        """Replace an agent's rules by a JSON list, whatever content type it is sent with."""
        chosen = front(agent)
        chosen.switchboard.put(RULES.validate_json(await request.body()))
        return chosen.described(_told)

    @app.delete("/faults/{agent}")
    async def clear_one(agent: str) -> dict[str, Any]:
        """No rule for an agent any more."""
        chosen = front(agent)
        chosen.switchboard.put([])
        return chosen.described(_told)

    @app.delete("/faults")
    async def clear_all() -> dict[str, Any]:
        """No rule for any agent any more."""
        for one in fronts.values():
            one.switchboard.put([])
        return await everything()

    return app


def _told(rules: list[Rule]) -> Any:
    return RULES.dump_python(rules, mode="json", exclude_unset=True)


def _problem(status: int, detail: str, **more: Any) -> JSONResponse:
    document = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail, **more}
    return JSONResponse(document, status, media_type="application/problem+json")


def _http_problem(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101 - what it is registered for
    return _problem(error.status_code, error.detail)


def _invalid_rules(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, ValidationError)  # noqa: S101 - what it is registered for
    faults = [{"at": ".".join(map(str, one["loc"])), "message": one["msg"]} for one in error.errors()]
    detail = "; ".join(f"{one['at']}: {one['message']}" if one["at"] else one["message"] for one in faults)
    return _problem(422, f"The rules were not taken, those before them stay. {detail}", errors=faults)
