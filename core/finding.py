"""A finding: what one check saw, and what to do about it."""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How bad it is: `fail` keeps questions from being answered, `warn` will sooner or later."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """`subject` is what was looked at, `found` one sentence about it, `advice` what to do; empty when all is well."""

    subject: str
    level: Level
    found: str
    advice: str = ""


def well(subject: str, found: str) -> Finding:
    """Nothing is to be done."""
    return Finding(subject, Level.OK, found)


def warning(subject: str, found: str, advice: str) -> Finding:
    """It works, and may not for long."""
    return Finding(subject, Level.WARN, found, advice)


def failing(subject: str, found: str, advice: str) -> Finding:
    """It does not work."""
    return Finding(subject, Level.FAIL, found, advice)


def worst(findings: list[Finding]) -> Level:
    """The worst level there is; without findings all is well."""
    order = list(Level)
    return max((finding.level for finding in findings), key=order.index, default=Level.OK)
