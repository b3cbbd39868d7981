"""Stand-ins for the base images where no registry can be reached: Debian by debootstrap, under the images' own names.

They are made once (about 90 s each, 200 MB and 150 MB) and kept by their tags and a label; a real image of that
name is never replaced.
The Dockerfile and the compose file are used as they are: only what they are built on comes from elsewhere.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from core.settings import ROOT
from deploy.constraints import FILE
from deploy.local.children import valkey_binary
from deploy.packages import RUNTIME
from tests.containers.commands import QUICK_S, docker

LABEL = "baton.stand-in"
PYTHON = "python:3.11-slim-bookworm"
BUILD = "baton-stand-in/build:3.11-slim-bookworm"
VALKEY = "valkey/valkey:9.1"
SUITE = "bookworm"  # from the mirror that debootstrap takes by itself
PYTHON_PACKAGES = ("python3-minimal", "python3-venv", "python3-pip", "ca-certificates", "netbase", "tzdata")
# Debian's Python is 3.11.2, for which redis asks for more than for the official image's.
OLDER_PYTHON_NEEDS = ("async-timeout",)
UNWANTED = ("var/cache/apt", "var/lib/apt/lists", "usr/share/doc", "usr/share/man", "usr/share/locale", "dev")
LIMIT_S = 900


class NoBaseImage(RuntimeError):
    """An image can neither be pulled nor made; the message says what would help."""


def there(tag: str) -> bool:
    """Whether the engine has an image of this name."""
    return bool(docker("image", "ls", "-q", tag, limit_s=QUICK_S))


def is_stand_in(tag: str) -> bool:
    """Whether the image of this name was made here."""
    return bool(docker("image", "ls", "-q", "-f", f"label={LABEL}", tag, limit_s=QUICK_S))


def provide(folder: Path, note: Callable[[str], None]) -> list[str]:
    """Have all base images, pulled or made; the build arguments that go with them. `folder` is for the work."""
    for tag, make in ((PYTHON, _python), (VALKEY, _valkey)):
        if not (there(tag) or _pulled(tag)):
            if os.geteuid() or not shutil.which("debootstrap"):
                raise NoBaseImage(f"{tag} cannot be pulled; to make a stand-in takes root and debootstrap.")
            note(f"{tag} cannot be pulled: making a stand-in")
            make(folder)
    if not is_stand_in(PYTHON):
        return []
    # A build finds no package index either, so its stage comes with the wheels.
    _with_wheels(folder, note)
    return ["--build-arg", f"BUILD_IMAGE={BUILD}"]


def _pulled(tag: str) -> bool:
    done = subprocess.run(["docker", "pull", "-q", tag], capture_output=True, timeout=LIMIT_S, check=False)
    return not done.returncode


def _debian(root: Path, *packages: str) -> Path:
    subprocess.run(["debootstrap", "--variant=minbase", f"--include={','.join(packages)}", SUITE, str(root)],
                   check=True, capture_output=True, timeout=LIMIT_S)
    for path in UNWANTED:
        shutil.rmtree(root / path, ignore_errors=True)
        (root / path).mkdir(parents=True)
    return root


def _import(root: Path, tag: str, *changes: str) -> None:
    wanted = [word for change in (f"LABEL {LABEL}=1", *changes) for word in ("--change", change)]
    with subprocess.Popen(["tar", "-C", str(root), "-c", "."], stdout=subprocess.PIPE) as tar:
        docker("import", *wanted, "-", tag, stdin=tar.stdout)
    shutil.rmtree(root)


def _python(folder: Path) -> None:
    root = _debian(folder / "python", *PYTHON_PACKAGES)
    for name in ("python", "python3"):
        (root / "usr" / "local" / "bin" / name).symlink_to("/usr/bin/python3.11")
    _import(root, PYTHON, "ENV PATH=/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin", "CMD python3")


def _valkey(folder: Path) -> None:
    root = _debian(folder / "valkey", "redis-tools")
    binaries = root / "usr" / "local" / "bin"
    shutil.copy(valkey_binary(), binaries / "valkey-server")
    (binaries / "valkey-cli").symlink_to("/usr/bin/redis-cli")
    data = root / "data"
    data.mkdir()
    shutil.chown(data, 999, 999)  # as in the official image
    _import(root, VALKEY, "ENV PATH=/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin", "VOLUME /data",
            "WORKDIR /data", "CMD valkey-server")


def _with_wheels(folder: Path, note: Callable[[str], None]) -> None:
    """The build stage's base: pip finds every wheel of ours in it. Made anew when the requirements change."""
    wanted = "".join((ROOT / name).read_text() for name in (*RUNTIME, FILE.name))
    if docker("image", "ls", "-q", "-f", f"label=baton.wheels={_mark(wanted)}", BUILD, limit_s=QUICK_S):
        return
    note("fetching the wheels for the build")
    stage = folder / "build"
    stage.mkdir()
    command = [sys.executable, "-m", "pip", "download", "-q", "--only-binary", ":all:", "-d", str(stage / "wheels"),
               *(word for name in RUNTIME for word in ("-r", name)), *OLDER_PYTHON_NEEDS]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=LIMIT_S)
    (stage / "pip.conf").write_text("[global]\nno-index = true\nfind-links = /wheels\n")
    (stage / "Dockerfile").write_text(
        f"FROM {PYTHON}\nCOPY wheels /wheels\nCOPY pip.conf /etc/pip.conf\nLABEL baton.wheels={_mark(wanted)}\n")
    docker("build", "-q", "-t", BUILD, str(stage))


def _mark(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="baton-stand-ins-") as folder:
        print(provide(Path(folder), lambda line: print(line, flush=True)))
