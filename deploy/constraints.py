"""`constraints.txt`: the exact version of every package that the requirements lead to, which pip reads through them.

`python -m deploy.constraints` writes it anew: the newest that go with the pins, as for an empty environment. `--check`
exits 1 when an installed package is not the one written down; it asks nobody.
"""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError
from typing import Any, Final

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from core.settings import ROOT
from deploy.packages import EVERYTHING, HERE, installed, led_to, listed

FILE: Final = ROOT / "constraints.txt"
OLDEST_PYTHON: Final = (3, 11)  # a package may need a newer one in its next release, so the oldest decides
# Where the system runs besides here: what is needed there alone is written down, too.
ELSEWHERE: Final = [
    {**HERE, "python_version": python.rpartition(".")[0], "python_full_version": python,
     "sys_platform": system.lower(), "platform_system": system}
    for python in ("3.11.0", "3.12.0", "3.13.0", "3.14.0") for system in ("Linux", "Darwin")
]
ROUNDS: Final = 5
_HEADING: Final = """\
# Every package that requirements*.txt lead to, with its exact version. They name this file, so pip keeps to it.
# Made by `make constraints`: docs/dependencies.md.
"""
_RESOLVE: Final = (sys.executable, "-m", "pip", "install", "-qq", "--disable-pip-version-check", "--dry-run",
                   "--ignore-installed", "--only-binary=:all:", "--report=-")


def written() -> dict[str, str]:
    """Version by canonical name, as the file has them."""
    lines = (line.partition("==") for line in FILE.read_text().splitlines() if not line.startswith("#"))
    return {name: version for name, _, version in lines}


def resolved() -> dict[str, str]:
    """Version by canonical name, as pip would install them now."""
    wanted = listed(EVERYTHING)
    for _ in range(ROUNDS):
        found = {str(canonicalize_name(one["name"])): one for one in _reported(wanted)}
        beyond = _beyond(wanted, found)
        if not beyond:
            return {name: found[name]["version"] for name in sorted(found)}
        wanted += beyond
    raise RuntimeError(f"after {ROUNDS} rounds there is still more to be pinned: {', '.join(map(str, beyond))}")


def faults() -> Iterator[str]:
    """What is wrong, one line each."""
    pinned = written()
    try:
        packages = installed(EVERYTHING)
    except PackageNotFoundError as missing:
        yield f"{missing.name} is required, but not installed: pip install -r requirements-dev.txt"
        return
    for name, package in packages.items():
        if name not in pinned:
            yield f"{name} {package.version} is not in constraints.txt: make constraints"
        elif package.version != pinned[name]:
            yield (f"{name} is {package.version} here and {pinned[name]} in constraints.txt: "
                   "pip install -r requirements-dev.txt")


def _beyond(wanted: list[Requirement], found: Mapping[str, dict[str, Any]]) -> list[Requirement]:
    """What is needed elsewhere and not here."""
    reached = led_to(wanted, lambda name: found.get(name, {}).get("requires_dist", ()), ELSEWHERE)
    return [Requirement(f"{name}{one.specifier}") for name, one in reached.items() if name not in found]


def _reported(wanted: list[Requirement]) -> list[dict[str, Any]]:
    """The metadata of what pip would install; pip itself tells why it cannot."""
    done = subprocess.run([*_RESOLVE, *map(str, wanted)], stdout=subprocess.PIPE, check=True)
    return [one["metadata"] for one in json.loads(done.stdout)["install"]]


def main() -> None:
    """Write the file, or check what is installed."""
    if "--check" in sys.argv:
        found = list(faults())
        sys.stderr.writelines(f"{fault}\n" for fault in found)
        sys.exit(1 if found else 0)
    if sys.version_info[:2] != OLDEST_PYTHON:
        sys.exit("constraints.txt is made with the oldest Python we run on: make clean run PYTHON=python3.11")
    FILE.write_text(_HEADING + "".join(f"{name}=={version}\n" for name, version in resolved().items()))


if __name__ == "__main__":
    main()
