"""What the OpenAPI document says of every route: the role it needs, how a key is sent, and how it is refused."""

from typing import Any, Final

from fastapi import FastAPI

from api.access.logins import COOKIE
from api.access.roles import Rule, rule_of
from api.problems import documented

_SCHEMES: Final = {
    "key": {"type": "http", "scheme": "bearer", "description": "An API key (`make key`)."},
    "login": {"type": "apiKey", "in": "cookie", "name": COOKIE, "description": "A browser that logged in at /login."},
}
_REFUSALS: Final = {
    401: "A key is asked for, and none that is known came",
    403: "The key's role does not allow it, or another site's page sent it",
    429: "Too many requests, too many open workflows, or too long a queue: wait and retry",
}
_TOO_LARGE: Final = {413: "The body is larger than `BODY_MAX_BYTES`"}


def install(app: FastAPI, *, keys: bool) -> None:
    """Add it to the document; without `keys` a request may come without one."""
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        document = generate()
        document.setdefault("components", {})["securitySchemes"] = _SCHEMES
        for path, operations in document["paths"].items():
            for method, operation in operations.items():
                if "requestBody" in operation:
                    _add(operation, _TOO_LARGE)
                rule = rule_of(method.upper(), path)
                if rule is not None and rule.role is not None:
                    _describe(operation, rule, keys=keys)
        return document

    app.openapi = openapi  # type: ignore[method-assign]


def _describe(operation: dict[str, Any], rule: Rule, *, keys: bool) -> None:
    operation["x-role"] = rule.role
    operation["security"] = [{"key": []}, {"login": []}, *([] if keys else [{}])]
    _add(operation, _REFUSALS)


def _add(operation: dict[str, Any], refusals: dict[int, str]) -> None:
    for status, response in documented(refusals).items():
        operation["responses"].setdefault(str(status), response)
