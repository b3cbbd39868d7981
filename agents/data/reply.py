"""Replies in the contract's standard dialect."""

from typing import Any
from uuid import uuid4

from agents.data.errors import StatementError
from agents.data.execution import Rows
from agents.data.quality import judge

NAME = "data"
VERSION = "1.0.0"


def answered(rows: Rows, *, validate: bool, cache_hit: bool, processing_time_ms: float) -> dict[str, Any]:
    """Rows as they go out; `processing_time_ms` is this request's, the result's own is that of its making."""
    return {
        "success": True,
        "agent_metadata": _metadata("completed", processing_time_ms),
        "result": {
            "data": rows.data,
            "columns": [column.model_dump() for column in rows.columns],
            "row_count": len(rows.data),
            "truncated": rows.truncated,
            "processing_time_ms": rows.processing_time_ms,
        },
        "validation": judge(rows) if validate else {},
        "query_optimization": {"executed_sql": rows.sql},
        "cache_metadata": {"cache_hit": cache_hit},
    }


def failed(error: StatementError, *, processing_time_ms: float) -> dict[str, Any]:
    """Why there are no rows, and what to do."""
    return {
        "success": False,
        "agent_metadata": _metadata("failed", processing_time_ms),
        "error": {
            "error_type": error.error_type,
            "message": error.message,
            "recovery_action": error.recovery_action,
            "suggestions": error.suggestions,
        },
    }


def _metadata(status: str, processing_time_ms: float) -> dict[str, Any]:
    return {
        "agent_name": NAME,
        "agent_version": VERSION,
        "processing_time_ms": round(processing_time_ms, 3),
        "operation_id": uuid4().hex,
        "status": status,
    }
