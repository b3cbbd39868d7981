"""The archive of the previous release, made of this very code as docs/releases.md says: it has all that it needs."""

import re
import shlex
import subprocess
import sys
import tarfile
from io import BytesIO
from pathlib import Path

import pytest

from core.settings import ROOT

START = "import tasks, api.app; tasks.app.finalize(); api.app.create_app(); print(api.app.__file__)"


def recipe() -> list[str]:
    """The words of the page's `git archive`, of the last commit."""
    (command,) = re.findall(r"^(git archive [^|]+) \|", (ROOT / "docs" / "releases.md").read_text(), re.MULTILINE)
    git, archive, _tag, *paths = shlex.split(command.replace("\\\n", " "))
    return [git, archive, "HEAD", *paths]


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="no repository to make an archive of")
def test_workers_and_apis_of_the_archive_start_without_the_rest(tmp_path: Path) -> None:
    packed = subprocess.run(recipe(), cwd=ROOT, capture_output=True, check=True).stdout
    with tarfile.open(fileobj=BytesIO(packed)) as archive:
        archive.extractall(tmp_path, filter="data")
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {path.suffix for path in files} & {".parquet", ".png"} == set()
    assert [path for path in files if path.parent.name == "vendor" and path.suffix == ".js"] == []
    started = subprocess.run([sys.executable, "-c", START], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert started.returncode == 0, started.stderr
    assert Path(started.stdout.strip()).is_relative_to(tmp_path)
