"""The bundled data agent over HTTP: one SQL statement in, rows out."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated, Any

import duckdb
from fastapi import FastAPI, Header, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse

from agents.bearer import BearerOnly
from agents.call_log import CallLog
from agents.contract import DataRequest, DataSchema
from agents.data.errors import EngineFault, InvalidRequest, StatementError
from agents.data.execution import Execution
from agents.data.guard import Guard
from agents.data.relations import relations
from agents.data.reply import NAME, VERSION, answered, failed
from agents.data.result_cache import ResultCache
from agents.data.schema import build_schema
from agents.data.source import Limits, Source, open_source
from agents.data.units import ResultUnits
from core.logging import get_logger
from core.settings import Settings, get_settings

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class DataSet:
    """The data served, opened once for the life of the process."""

    source: Source
    schema: DataSchema
    execution: Execution
    cache: ResultCache


def load(settings: Settings) -> DataSet:
    """Open and describe the data that the settings name; raises `DataUnavailable`."""
    source = open_source(settings.data, Limits(settings.data_memory_limit_mb, settings.data_threads))
    schema = build_schema(source)
    tables = relations(source.connection)
    guard = Guard(source.connection, tables, schema, max_rows=settings.data_max_rows)
    units = ResultUnits(tables, schema)
    execution = Execution(source.connection, guard, units, max_rows=settings.data_max_rows)
    return DataSet(source, schema, execution, ResultCache())


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    data_set: DataSet = getattr(app.state, "data_set", None) or load(get_settings())
    app.state.data_set = data_set
    _log.info("data_opened", data=data_set.source.origin, tables=len(data_set.schema.tables))
    yield
    del app.state.data_set
    data_set.source.connection.close()


app = FastAPI(title="Baton data agent", version=VERSION, lifespan=_lifespan)
app.add_middleware(BearerOnly)
app.add_middleware(CallLog)


@app.exception_handler(RequestValidationError)
async def _invalid_request(_: Request, error: RequestValidationError) -> JSONResponse:
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"] if part != "body") or "the body"
    return _refuse(InvalidRequest(f"{where}: {first['msg']}."), 0.0)


@app.exception_handler(duckdb.Error)
def _engine_failed(request: Request, error: duckdb.Error) -> JSONResponse:
    """A fault of the engine, not of the statement. Fatal ones close the database for good, so it is opened anew."""
    _log.error("engine_failed", error=str(error))
    if isinstance(error, (duckdb.FatalException, duckdb.InternalException)):
        request.app.state.data_set = load(get_settings())
    return _refuse(EngineFault(), 0.0)


@app.post("/execute")
def execute(
    body: DataRequest, request: Request, deadline_ms: Annotated[float | None, Header(alias="X-Deadline-Ms")] = None
) -> JSONResponse:
    """Run one SELECT over the served tables. A failure says what is wrong and what to do."""
    began = time.perf_counter()
    data_set: DataSet = request.app.state.data_set
    limit_s = get_settings().data_statement_timeout_s
    if deadline_ms is not None:
        limit_s = min(limit_s, max(deadline_ms / 1000, 0.001))
    config = body.execution_config
    try:
        rows = data_set.cache.get(body.sql_query) if config.use_cache else None
        hit = rows is not None
        if rows is None:
            rows = data_set.execution.run(body.sql_query, limit_s)
            data_set.cache.put(body.sql_query, rows)
    except StatementError as error:
        return _refuse(error, _since_ms(began))
    _log.info("statement_answered", rows=len(rows.data), truncated=rows.truncated, cache_hit=hit)
    reply = answered(rows, validate=config.validate_result, cache_hit=hit, processing_time_ms=_since_ms(began))
    return JSONResponse(reply)


@app.get("/schema")
def schema(request: Request) -> DataSchema:
    """Tables, columns, units and keys of the data served."""
    data_set: DataSet = request.app.state.data_set
    return data_set.schema


@app.get("/health")
async def health(request: Request) -> JSONResponse:
    """Whether the engine answers; not in the threadpool, so that a crowd of slow statements does not hide it."""
    data_set: DataSet = request.app.state.data_set
    try:
        with data_set.source.connection.cursor() as cursor:
            cursor.execute("SELECT 1").fetchall()
    except duckdb.Error as error:
        return JSONResponse(_health("unhealthy", data_set) | {"reason": str(error)[:200]}, status_code=503)
    return JSONResponse(_health("healthy", data_set))


def _health(status: str, data_set: DataSet) -> dict[str, Any]:
    return {
        "status": status,
        "agent_name": NAME,
        "agent_version": VERSION,
        "data": data_set.source.origin,
        "tables": len(data_set.schema.tables),
        "schema_version": data_set.schema.version,
    }


def _refuse(error: StatementError, processing_time_ms: float) -> JSONResponse:
    _log.info("statement_refused", error_type=error.error_type, reason=error.message)
    return JSONResponse(failed(error, processing_time_ms=processing_time_ms), status_code=error.http_status)


def _since_ms(began: float) -> float:
    return (time.perf_counter() - began) * 1000
