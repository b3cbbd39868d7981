"""Rows as a table for other programs."""

import csv
import io
from collections.abc import Sequence
from typing import Any

from agents.contract import Column

# Some spreadsheets take the wide signs for the narrow ones.
_WIDE = "\N{FULLWIDTH EQUALS SIGN}\N{FULLWIDTH PLUS SIGN}\N{FULLWIDTH HYPHEN-MINUS}\N{FULLWIDTH COMMERCIAL AT}"
_FORMULA_STARTS = (*"=+-@\t\r\n", *_WIDE)


def rows_as_csv(columns: Sequence[Column], rows: Sequence[dict[str, Any]]) -> str:
    """RFC 4180 text; a text cell that a spreadsheet would run as a formula gets a leading apostrophe (OWASP)."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow([_cell(column.name) for column in columns])
    writer.writerows([_cell(row.get(column.name)) for column in columns] for row in rows)
    return out.getvalue()


def _cell(value: Any) -> Any:
    if value is None or isinstance(value, (bool, int, float)):
        return "" if value is None else value
    text = str(value)
    return "'" + text if text.startswith(_FORMULA_STARTS) else text
