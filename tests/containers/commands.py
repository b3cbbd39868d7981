"""The docker command and the compose command, as the tests of containers call them."""

import json
import os
import shutil
import subprocess
from functools import cache
from typing import Any

from core.settings import ROOT

LIMIT_S = 900.0
QUICK_S = 120.0  # what takes a moment, on a machine that is busy


class DockerFailed(RuntimeError):
    """A command failed; the message is its last words."""


def docker(*arguments: str, limit_s: float = LIMIT_S, **options: Any) -> str:
    """What `docker ...` prints."""
    return _said(["docker", *arguments], limit_s, **options)


def compose(*arguments: str, environment: dict[str, str], limit_s: float = LIMIT_S) -> str:
    """What the compose command prints, run on our docker-compose.yml with `environment` beside what is set."""
    return _said([*compose_command(), *arguments], limit_s, cwd=ROOT, env={**os.environ, **environment})


@cache
def compose_command() -> tuple[str, ...]:
    """`docker compose`, or `docker-compose`; nothing where there is neither."""
    if shutil.which("docker") and not subprocess.run(["docker", "compose", "version"], capture_output=True,
                                                     check=False).returncode:
        return ("docker", "compose")
    return ("docker-compose",) if shutil.which("docker-compose") else ()


def inspected(*names: str) -> list[dict[str, Any]]:
    """What the engine knows about each container or image."""
    return list(json.loads(docker("inspect", *names, limit_s=QUICK_S)))


def _said(command: list[str], limit_s: float, **options: Any) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=limit_s, check=False, **options)
    if done.returncode:
        raise DockerFailed(f"{' '.join(command[:6])}: {(done.stderr or done.stdout).strip()[-3000:]}")
    return str(done.stdout).strip()
