"""Failed steps that are alike: the same agent, the same kind of error, the same words but for particulars."""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from state.faults import Fault

_LONGEST: Final = 200
# In this order: what is quoted may hold numbers, an id may look like one.
_PARTICULARS: Final = (
    (re.compile(r"https?://[^\s,;)]+"), "<url>"),
    (re.compile(r"“[^”]*”|\"[^\"]*\"|'[^']*'|`[^`]*`"), "“…”"),
    (re.compile(r"\b[0-9a-f]{8}(?:-?[0-9a-f]{4}){3}-?[0-9a-f]{12}\b", re.IGNORECASE), "<id>"),
    (re.compile(r"\d+(?:[.,:]\d+)*"), "#"),
    (re.compile(r"“…”(?:, “…”)+"), "“…”"),
)


@dataclass(frozen=True, slots=True)
class ErrorGroup:
    """One kind of fault; `ids` are its workflows, newest first, `sample` the words of the newest."""

    key: str
    agent: str
    error_type: str
    message: str
    sample: str
    ids: list[str]
    first_ms: int
    last_ms: int


def normalised(message: str) -> str:
    """The message without its numbers, ids, addresses and quotations."""
    for pattern, stands in _PARTICULARS:
        message = pattern.sub(stands, message)
    return " ".join(message.split())[:_LONGEST]


def groups_of(faults: Iterable[Fault]) -> list[ErrorGroup]:
    """The groups, the largest first; `faults` come newest first."""
    alike: dict[tuple[str, str, str], list[Fault]] = {}
    for fault in faults:
        alike.setdefault((fault.agent, fault.error_type, normalised(fault.message)), []).append(fault)
    return sorted((_group(of, found) for of, found in alike.items()), key=lambda group: -len(group.ids))


def _group(of: tuple[str, str, str], faults: list[Fault]) -> ErrorGroup:
    agent, error_type, message = of
    return ErrorGroup(
        key=hashlib.sha256("\n".join(of).encode()).hexdigest()[:16],
        agent=agent,
        error_type=error_type,
        message=message,
        sample=faults[0].message,
        ids=list(dict.fromkeys(fault.workflow_id for fault in faults)),
        first_ms=min(fault.at_ms for fault in faults),
        last_ms=max(fault.at_ms for fault in faults),
    )
