"""`make image`: each commit's image has a name of its own, so what one may have to go back to is never overwritten."""

import os
import subprocess
from pathlib import Path

import pytest

from core.settings import ROOT

# Remembers the tags it built, and knows them again; what a real engine builds is for `make test-compose`.
DOCKER = """#!/bin/sh
case "$1" in
  image) grep -qx "$3" "$BUILT";;
  build) shift; while [ "$1" != -t ]; do shift; done; echo "$2" >> "$BUILT";;
esac
"""


class Checkout:
    """A git repository of a test's own, with our Makefile and an engine that only remembers."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.built, self.dotenv = folder, folder / ".git" / "built", folder / ".env"
        self.git("init", "-q")
        self.built.touch()
        engine = folder / ".git" / "docker"
        engine.write_text(DOCKER)
        engine.chmod(0o755)
        (folder / ".gitignore").write_text(".env\n")

    def git(self, *arguments: str) -> str:
        """A git command in it."""
        who = ("-c", "user.name=test", "-c", "user.email=test@example.com")
        return subprocess.run(["git", *who, *arguments], cwd=self.folder, check=True, capture_output=True,
                              text=True).stdout.strip()

    def commit(self, text: str) -> str:
        """A commit; its name."""
        (self.folder / "code").write_text(text)
        self.git("add", ".")
        self.git("commit", "-q", "-m", text)
        return self.git("rev-parse", "--short=12", "HEAD")

    def make_image(self, *arguments: str) -> list[str]:
        """`make image`; the tags that were built so far."""
        environment = {**os.environ, "BUILT": str(self.built),
                       "PATH": f"{self.folder / '.git'}:{os.environ['PATH']}"}
        subprocess.run(["make", "-s", "-f", ROOT / "Makefile", "image", *arguments], cwd=self.folder, check=True,
                       capture_output=True, env=environment)
        return self.built.read_text().split()


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


def test_there_and_back_each_commit_has_its_image_and_is_built_once(checkout: Checkout) -> None:
    before = checkout.commit("before")
    checkout.dotenv.write_text("WORKER_DATA=4")  # without an end of line
    checkout.make_image()
    after = checkout.commit("after")
    built = [f"baton:{before}", f"baton:{after}"]
    assert checkout.make_image() == built
    assert checkout.dotenv.read_text() == f"WORKER_DATA=4\nBATON_VERSION={after}\n"
    checkout.git("checkout", "-q", before)
    assert checkout.make_image() == built
    assert checkout.dotenv.read_text() == f"WORKER_DATA=4\nBATON_VERSION={before}\n"


def test_what_is_not_committed_gets_no_commit_s_name(checkout: Checkout) -> None:
    commit = checkout.commit("committed")
    (checkout.folder / "code").write_text("changed")
    tag = f"baton:{commit}-dirty"
    assert checkout.make_image() == [tag]
    assert checkout.make_image() == [tag, tag]


def test_a_release_has_its_number_and_what_is_asked_for_is_built_anew(checkout: Checkout) -> None:
    checkout.commit("release")
    checkout.git("tag", "v0.2.0")
    checkout.make_image()
    assert checkout.make_image("ARGS=--pull") == ["baton:v0.2.0", "baton:v0.2.0"]
