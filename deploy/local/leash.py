"""Run a command that dies with its parent, even when the parent is killed -9.

`python -m deploy.local.leash KILL cmd args...` asks the kernel to send SIGKILL to this process when its parent ends,
then becomes `cmd`: the wish survives exec. Linux only (prctl(2)); elsewhere the command simply runs.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def leash(name: str, command: list[str]) -> list[str]:
    """`command` on a leash: what to run so that signal `name` (`TERM`, `KILL`) reaches it when its parent ends."""
    return [sys.executable, "-m", "deploy.local.leash", name, *command]


def main() -> None:
    """Set the parent-death signal and become the command."""
    name, *command = sys.argv[1:]
    if sys.platform == "linux":
        parent = os.getppid()
        if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, int(signal.Signals[f"SIG{name}"]), 0, 0, 0):
            raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
        if os.getppid() != parent:
            sys.exit("the parent ended before the leash was on")
    os.execvp(command[0], command)  # noqa: S606 - no shell is the point


if __name__ == "__main__":
    main()
