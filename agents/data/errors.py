"""Why a statement got no rows, one class each. A class's docstring is its default message."""

from typing import ClassVar


class StatementError(Exception):
    """The statement could not be answered."""

    error_type: ClassVar[str] = "agent_error"
    http_status: ClassVar[int] = 422
    recovery_action: ClassVar[str] = "rephrase"
    default_suggestions: ClassVar[tuple[str, ...]] = ()

    def __init__(self, message: str = "", *suggestions: str) -> None:
        self.message = message or (type(self).__doc__ or "").splitlines()[0]
        super().__init__(self.message)
        self.suggestions = list(suggestions or self.default_suggestions)


class Refused(StatementError):
    """The guard does not let this statement through."""

    error_type = "rejected"
    default_suggestions = ("Send one SELECT over the tables of GET /schema.",)


class InvalidSql(StatementError):
    """The statement is not valid DuckDB SQL for this data."""

    error_type = "invalid_sql"
    default_suggestions = ("Check table and column names against GET /schema.",)


class TimeLimit(StatementError):
    """The statement did not end within its time limit."""

    error_type = "time_limit"
    recovery_action = "narrow the question"
    default_suggestions = (
        "Ask for less at once: a shorter period, fewer groups, or a filter.",
        "Operators: DATA_STATEMENT_TIMEOUT_S is the time limit.",
    )


class MemoryLimit(StatementError):
    """The statement needs more memory than it may use."""

    error_type = "memory_limit"
    recovery_action = "narrow the question"
    default_suggestions = (
        "Ask for less at once: a shorter period, fewer groups, or a filter.",
        "Operators: DATA_MEMORY_LIMIT_MB is the memory limit.",
    )


class InvalidRequest(StatementError):
    """The request does not fit the contract."""

    error_type = "rejected"
    default_suggestions = ('Send {"sql_query": "SELECT ..."}.',)


class EngineFault(StatementError):
    """The database engine failed on this statement."""

    http_status = 500
    default_suggestions = ("Ask in a simpler way.",)


class DataUnavailable(Exception):
    """The data named by the setting DATA cannot be served."""
