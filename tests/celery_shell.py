"""Celery's command without the time it takes to load: one process loads it, and forks for each command.

`python -m tests.celery_shell` reads one JSON list of arguments a line, and answers `[exit code, output]`.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from core.settings import ROOT


class CeleryShell:
    """Runs `celery -A tasks ...`; one command at a time."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def run(self, *arguments: str) -> tuple[int, str]:
        """The exit code, and all that it printed."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps(arguments), file=self._process.stdin, flush=True)
        code, output = json.loads(self._process.stdout.readline())
        return code, output


@contextmanager
def celery_shell(environment: Mapping[str, str]) -> Iterator[CeleryShell]:
    """A shell with these variables on top."""
    with subprocess.Popen([sys.executable, "-m", "tests.celery_shell"], cwd=ROOT, env={**os.environ, **environment},
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield CeleryShell(process)


def main() -> None:
    """Serve until the input ends."""
    import celery.bin.celery  # noqa: F401 - loaded once, as is the app
    from celery.__main__ import main as celery_command

    import tasks  # noqa: F401

    for line in sys.stdin:
        with tempfile.TemporaryFile() as output:
            if not (child := os.fork()):
                os.dup2(output.fileno(), 1)
                os.dup2(output.fileno(), 2)
                sys.argv = ["celery", "-A", "tasks", *json.loads(line)]
                celery_command()
                sys.exit(0)
            _, status = os.waitpid(child, 0)
            output.seek(0)
            print(json.dumps([os.waitstatus_to_exitcode(status), output.read().decode()]), flush=True)


if __name__ == "__main__":
    main()
