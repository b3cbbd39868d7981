"""A forked process has a store of its own: the parent's may be locked by a thread that the child has not got."""

import subprocess
import sys

from core.settings import ROOT

FORK = """
import os
from state.store import get_store
store = get_store()
child = os.fork()
if child == 0:
    os._exit(0 if get_store() is not store else 1)
_, status = os.waitpid(child, 0)
assert os.waitstatus_to_exitcode(status) == 0, "the child uses its parent's store"
assert get_store() is store
"""


def test_a_forked_child_does_not_use_its_parent_s_store() -> None:
    done = subprocess.run([sys.executable, "-c", FORK], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
