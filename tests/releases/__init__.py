"""Code trees of other releases, to run beside this one."""

import tarfile
from pathlib import Path

from core.settings import ROOT
from state.version import VERSION

FOLDER = Path(__file__).parent
PREFIX, SUFFIX = "baton-", ".tar.xz"


def archive() -> Path:
    """The release before this one, packed; `README.md` has its commit and sum."""
    (only,) = FOLDER.glob(f"{PREFIX}*{SUFFIX}")
    return only


def previous_release() -> str:
    """The number of the release before this one."""
    return archive().name.removeprefix(PREFIX).removesuffix(SUFFIX)


def previous(folder: Path) -> Path:
    """The code of the release before this one, unpacked."""
    tree = folder / f"{PREFIX}{previous_release()}"
    with tarfile.open(archive()) as packed:
        packed.extractall(tree, filter="data")
    return tree


def following(folder: Path) -> Path:
    """This very code, but for the version of its records, which is the next one."""
    tree = folder / "following"
    tree.mkdir()
    for entry in ROOT.iterdir():
        if entry.name != "state" and not entry.name.startswith("."):
            (tree / entry.name).symlink_to(entry)
    (tree / "state").mkdir()
    for entry in (ROOT / "state").iterdir():
        if entry.name != "version.py":
            (tree / "state" / entry.name).symlink_to(entry)
    text = (ROOT / "state/version.py").read_text()
    raised = text.replace(f"VERSION: Final = {VERSION}\n", f"VERSION: Final = {VERSION + 1}\n")
    assert raised != text
    (tree / "state/version.py").write_text(raised)
    return tree
