"""Answers already given: the data never changes while it is served, so the same statement has the same rows."""

import re
from collections import OrderedDict
from threading import Lock

from agents.data.execution import Rows

MAX_ENTRIES = 128
MAX_ROWS = 1_000
# Words of statements whose answer may differ the next time; one too many costs a look-up, no more.
_CHANGES = re.compile(r"\b(now|today|age|random|(get_)?current_\w+|local\w+|(table)?sample)\b", re.IGNORECASE)


class ResultCache:
    """The latest small answers by the caller's text; the least recently used goes first."""

    def __init__(self) -> None:
        self._entries: OrderedDict[str, Rows] = OrderedDict()
        self._lock = Lock()

    def get(self, sql: str) -> Rows | None:
        """The rows given before, None when they are not kept."""
        with self._lock:
            if rows := self._entries.get(sql):
                self._entries.move_to_end(sql)
            return rows

    def put(self, sql: str, rows: Rows) -> None:
        """Keep `rows` if they are few and would be the same again."""
        if len(rows.data) > MAX_ROWS or _CHANGES.search(rows.sql):
            return
        with self._lock:
            self._entries[sql] = rows
            self._entries.move_to_end(sql)
            if len(self._entries) > MAX_ENTRIES:
                self._entries.popitem(last=False)
