"""Small processes in place of the real ones."""

import signal
import sys
from pathlib import Path

import psutil

from deploy.local.children import Child, Probe

PROGRAM = Path(__file__).with_name("stand_in_process.py")


def lives(folder: Path, name: str, *, stops_last: bool = False) -> Child:
    """A process that runs until it is told to end."""
    return _stand_in(name, _up(folder / name), "lives", str(folder / name), stops_last=stops_last)


def dies(name: str) -> Child:
    """A process that ends at once with an error."""
    return _stand_in(name, lambda: "never", "dies")


def stubborn(folder: Path, name: str) -> Child:
    """A process that does not listen to SIGTERM."""
    return _stand_in(name, _up(folder / name), "stubborn", str(folder / name))


def _up(mark: Path) -> Probe:
    return lambda: "" if Path(f"{mark}.up").exists() else "not up"


def _stand_in(name: str, probe: Probe, *arguments: str, stops_last: bool = False) -> Child:
    command = (sys.executable, str(PROGRAM), *arguments)
    return Child(name, f"{name} stand-in", command, (), probe, stops_last=stops_last)


def kill(pid: int) -> None:
    """kill -9 of one process the test started."""
    psutil.Process(pid).send_signal(signal.SIGKILL)
