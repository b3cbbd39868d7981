"""Shell transcripts in the docs: the commands of ```console blocks, what they print, and what may differ in that."""

import re
from dataclasses import dataclass

_BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ID = re.compile(r"\b[0-9a-f]{32}\b")
# What is another at every run: what it looks like, and a word for it.
_VARIABLE = (
    (re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z"), "<time>"),
    (re.compile(r"(?<=')(time_start|worker_pid)': [\d.]+"), r"\1': <number>"),
    (re.compile(r"[+-]\d+\.\d s"), "<due>"),
    (re.compile(r"\b[\w-]+@\w+\b"), "<worker>"),
    (re.compile(r"127\.0\.0\.1:\d+"), "<address>"),
    (re.compile(r"[ \t]+"), " "),
)


@dataclass(frozen=True)
class Example:
    """One command of a page and the lines that follow it."""

    command: str
    output: str


def examples(page: str) -> list[Example]:
    """All of them, in the page's order."""
    return [Example(*part.partition("\n")[::2]) for block in _BLOCK.findall(page)
            for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]]


def invariable(output: str) -> list[str]:
    """The lines that say something, without what is another at every run."""
    for pattern, word in _VARIABLE:
        output = pattern.sub(word, output)
    return [line.strip() for line in output.splitlines() if line.strip()]
