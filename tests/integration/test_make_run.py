"""`make run` as a person starts it, in a terminal, ended with Ctrl-C."""

import os
import pty
import re
import select
import signal
import time

import psutil
import pytest

from core.settings import ROOT
from tests.processes import PORTS, free_ports

CTRL_C = b"\x03"
LIMIT_S = 120


def read_until(terminal, wanted, seen=b""):
    deadline = time.monotonic() + LIMIT_S
    while not re.search(wanted, seen):
        assert time.monotonic() < deadline, f"waited for {wanted!r} in:\n{seen.decode(errors='replace')}"
        if select.select([terminal], [], [], 1)[0]:
            try:
                seen += os.read(terminal, 65_536)
            except OSError:  # the other end is closed
                break
    return seen


@pytest.mark.timeout(240)
def test_ctrl_c_under_make_stops_everything_and_exits_0(tmp_path):
    ports = dict(zip(PORTS, free_ports(len(PORTS)), strict=True))
    environment = {**os.environ, **{f"{name.upper()}_PORT": str(port) for name, port in ports.items()},
                   "BATON_DIR": str(tmp_path / "baton"), "REDIS_URL": "", "DATA": "", "TERM": "xterm"}
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(ROOT)
        os.execvpe("make", ["make", "run"], environment)
    try:
        seen = read_until(terminal, rb"Baton is ready")
        assert b"Average departure delay" in seen
        children = psutil.Process(pid).children(recursive=True)
        assert len(children) >= 9
        os.write(terminal, CTRL_C)
        started = time.monotonic()
        seen = read_until(terminal, rb"Stopped\.", seen)
        _, status = os.waitpid(pid, 0)
        assert time.monotonic() - started < 10
        assert os.waitstatus_to_exitcode(status) == 0
        assert psutil.wait_procs(children, timeout=1)[1] == []
    except BaseException:
        os.kill(pid, signal.SIGKILL)  # everything below dies with its parent
        raise
    finally:
        os.close(terminal)
