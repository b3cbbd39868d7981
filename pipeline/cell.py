"""Cells: installations side by side that share nothing. The first two digits of a workflow's id name its cell.

So whatever stands in front needs no table to find a workflow, and an id is as long as ever, with or without cells.
"""

import secrets
from typing import Final

DIGITS: Final = 2
ID_BYTES: Final = 16


def new_workflow_id(cell: str) -> str:
    """An id nobody can guess, of `cell` if there are cells."""
    return cell + secrets.token_hex(ID_BYTES)[len(cell) :]


def other_cell(workflow_id: str, cell: str) -> str:
    """The cell that an id names, if it is not this one; empty where there are no cells."""
    named = workflow_id[:DIGITS]
    return named if cell and named != cell else ""
