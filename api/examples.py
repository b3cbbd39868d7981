"""Examples of the OpenAPI document: a real answer as the system gave it, and a problem document."""

import json
from pathlib import Path
from typing import Any

from fastapi import FastAPI

ANSWER: dict[str, Any] = json.loads((Path(__file__).parent / "answer_example.json").read_text())

PROBLEM: dict[str, Any] = {
    "type": "urn:baton:problem:agent_unavailable",
    "title": "An agent cannot be reached",
    "status": 503,
    "detail": "The data agent cannot be reached (ConnectionError), and nothing can stand in for it.",
    "error_type": "agent_unavailable",
    "recovery_action": "wait_and_retry",
    "suggestions": ["Wait until the data agent is back; /api/health/agents tells."],
    "step": "data",
    "attempt": 0,
    "retry_after_s": 5.0,
}

_ANSWERED_BY = (("/api/query", "post"), ("/api/workflow/{workflow_id}", "get"))


def install(app: FastAPI) -> None:
    """Put the answer into the document as it is: FastAPI itself would leave its nulls out."""
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        document = generate()
        for path, method in _ANSWERED_BY:
            media = document["paths"][path][method]["responses"]["200"]["content"]["application/json"]
            media["example"] = ANSWER
        return document

    app.openapi = openapi  # type: ignore[method-assign]
