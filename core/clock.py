"""Clock: wall time in whole milliseconds, as stamps from one process to another. Durations use `time.monotonic`."""

import time
from datetime import UTC, datetime


def now_ms() -> int:
    """Milliseconds since the epoch by this machine's clock; the record's own times come from the server's."""
    return time.time_ns() // 1_000_000


def iso(at_ms: int | None) -> str | None:
    """`2026-01-31T12:00:00.123Z` of a stamp, None of None."""
    if at_ms is None:
        return None
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
