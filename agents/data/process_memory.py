"""The last line: memory that DuckDB does not count ends in an error of the statement, not in the end of the process."""

import resource

_OTHERS_MB = 1024


def limit_process_memory(statement_mb: int) -> None:
    """Bound this process: twice the statements' limit, since texts may be held twice, and 1 GB for the rest.

    A lower limit that is already set stays. Systems that do not enforce `RLIMIT_DATA` go without.
    """
    wanted = (2 * statement_mb + _OTHERS_MB) * 1024 * 1024
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    allowed = [limit for limit in (soft, hard) if limit != resource.RLIM_INFINITY]
    resource.setrlimit(resource.RLIMIT_DATA, (min([wanted, *allowed]), hard))
