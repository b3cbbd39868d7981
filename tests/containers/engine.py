"""A container engine: the one that answers, else one started here and ended afterwards; nothing is installed."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.containers.commands import compose_command

NO_ENGINE = "NO CONTAINER ENGINE: the containers are not tested. {reason}"
START_LIMIT_S = 30.0
STOP_LIMIT_S = 30.0


@contextmanager
def engine() -> Iterator[str]:
    """Why there is none, or nothing when one answers (Debian: apt-get install docker.io docker-compose)."""
    if not compose_command() or not shutil.which("docker"):
        yield "Install docker and docker-compose (Debian: apt-get install docker.io docker-compose)."
    elif answers():
        yield ""
    elif os.geteuid() or not shutil.which("dockerd"):
        yield "`docker info` gets no answer. Start dockerd, or let root run this."
    else:
        with _started() as reason:
            yield reason


def answers() -> bool:
    """Whether an engine can be talked to, which `which docker` does not tell."""
    try:
        return not subprocess.run(["docker", "info"], capture_output=True, timeout=20, check=False).returncode
    except (OSError, subprocess.TimeoutExpired):
        return False


@contextmanager
def _started() -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="baton-dockerd-") as folder:
        log = Path(folder) / "dockerd.log"
        with log.open("wb") as output:
            daemon = subprocess.Popen(["dockerd", "--pidfile", f"{folder}/pid"], stdout=output,
                                      stderr=subprocess.STDOUT, start_new_session=True)
        try:
            deadline = time.monotonic() + START_LIMIT_S
            while not answers() and daemon.poll() is None and time.monotonic() < deadline:
                time.sleep(0.5)
            yield "" if answers() else f"dockerd does not start: {log.read_text(errors='replace')[-500:]}"
        finally:
            daemon.terminate()
            daemon.wait(STOP_LIMIT_S)
