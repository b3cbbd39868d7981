"""`validation` of a reply: what a reader of the rows should know about them."""

from typing import Any

from agents.data.execution import Rows


def judge(rows: Rows) -> dict[str, Any]:
    """`quality_score` is the share of cells that have a value; warnings say which columns lack how many."""
    total = len(rows.data)
    missing = {column.name: sum(row[column.name] is None for row in rows.data) for column in rows.columns}
    warnings = [f"{name}: {count} of {total} values are missing" for name, count in missing.items() if count]
    if rows.truncated:
        warnings.insert(0, f"There are more rows; only the first {total} are given.")
    cells = total * len(rows.columns)
    score = round(1 - sum(missing.values()) / cells, 4) if cells else 1.0
    return {"is_valid": True, "quality_score": score, "issues": [], "warnings": warnings}
