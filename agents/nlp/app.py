"""The bundled nlp agent over HTTP: a question in plain English in, SQL out, or a refusal that helps."""

import time
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse

from agents.bearer import BearerOnly
from agents.call_log import CallLog
from agents.contract import NlpRequest
from agents.nlp.in_process import understand
from agents.nlp.refusal import RefusalError, SchemaUnavailableError
from agents.nlp.reply import VERSION, failure, refusal
from agents.nlp.schema_source import schema_source

app = FastAPI(title="Baton nlp agent", version=VERSION)
app.add_middleware(BearerOnly)
app.add_middleware(CallLog)


@app.post("/process", response_model=None)
def process(request: NlpRequest) -> dict[str, Any] | JSONResponse:
    """SQL for the question, or 422 with what was not understood."""
    began = time.perf_counter()
    try:
        return understand(request.query)
    except RefusalError as error:
        examples = schema_source().get().examples
        return JSONResponse(refusal(error, examples, processing_time_ms=_since_ms(began)), status_code=422)


@app.get("/health")
def health() -> dict[str, str]:
    """Up; whether there is a schema to plan over is told by `schema`."""
    try:
        version = schema_source().get().schema.version
    except SchemaUnavailableError:
        version = "unavailable"
    return {"status": "healthy", "agent": "nlp", "version": VERSION, "schema": version}


@app.get("/examples")
def examples() -> list[str]:
    """Questions about the data at hand that this agent answers."""
    return schema_source().get().examples


@app.exception_handler(SchemaUnavailableError)
def no_schema(_: Request, error: SchemaUnavailableError) -> JSONResponse:
    """503: nothing can be planned over a schema nobody knows."""
    body = failure(
        "agent_unavailable",
        str(error),
        recovery_action="wait_and_retry",
        suggestions=["Start the data agent, then ask again."],
    )
    return JSONResponse(body, status_code=503, headers={"Retry-After": "2"})


@app.exception_handler(RequestValidationError)
def bad_request(_: Request, error: RequestValidationError) -> JSONResponse:
    """422 in the contract's own form."""
    fields = "; ".join(f"{'.'.join(str(part) for part in e['loc'][1:])}: {e['msg']}" for e in error.errors())
    body = failure(
        "rejected",
        f"The request does not fit the contract: {fields}.",
        recovery_action="rephrase",
        suggestions=['Send {"query": "..."}.'],
    )
    return JSONResponse(body, status_code=422)


def _since_ms(began: float) -> float:
    return (time.perf_counter() - began) * 1000
