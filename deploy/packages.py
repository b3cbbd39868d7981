"""The packages that the requirements lead to: what they name, and what that requires in turn, by extras and markers."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib.metadata import Distribution, distribution
from typing import Any, Final, cast

from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from core.settings import ROOT

RUNTIME: Final = ("requirements.txt", "requirements-otel.txt")
EVERYTHING: Final = (*RUNTIME, "requirements-dev.txt")
Environment = Mapping[str, str]  # what markers are evaluated in
HERE: Final = cast("Environment", default_environment())


def listed(files: Iterable[str]) -> list[Requirement]:
    """What the requirements files name themselves."""
    lines = (line.strip() for file in files for line in (ROOT / file).read_text().splitlines())
    return [Requirement(line) for line in lines if line and not line.startswith(("#", "-"))]


def led_to(wanted: Iterable[Requirement], requires: Callable[[str], Iterable[str]],
           environments: Sequence[Environment] = (HERE,)) -> dict[str, Requirement]:
    """A requirement for each package that `wanted` leads to in any of the environments, by its canonical name.

    `requires` tells what a package requires, as its metadata spell it.
    """
    found: dict[str, Requirement] = {}
    seen: set[tuple[str, str]] = set()
    waiting = list(wanted)
    while waiting:
        one = waiting.pop()
        name = canonicalize_name(one.name)
        found.setdefault(name, one)
        for extra in {"", *one.extras}:
            if (name, extra) not in seen:
                seen.add((name, extra))
                further = map(Requirement, requires(name))
                waiting += [each for each in further if _applies(each, extra, environments)]
    return found


def installed(files: Iterable[str]) -> dict[str, Distribution]:
    """Every package that the files lead to here, by its canonical name; `PackageNotFoundError` when one is missing."""
    return {name: distribution(name) for name in sorted(led_to(listed(files), _requires))}


def _requires(name: str) -> list[str]:
    return distribution(name).requires or []


def _applies(requirement: Requirement, extra: str, environments: Sequence[Environment]) -> bool:
    marker: Any = requirement.marker
    return marker is None or any(marker.evaluate({**one, "extra": extra}) for one in environments)
