"""The example in the OpenAPI document: a real answer, as the system gave it."""

import json
from pathlib import Path
from typing import Any

from fastapi import FastAPI

ANSWER: dict[str, Any] = json.loads((Path(__file__).parent / "answer_example.json").read_text())

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
