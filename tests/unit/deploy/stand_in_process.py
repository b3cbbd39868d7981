"""One process as a test wants it: `lives MARK`, `dies` or `stubborn MARK`."""

import signal
import sys
import time
from pathlib import Path
from types import FrameType
from typing import NoReturn


def lives(mark: str) -> NoReturn:
    """Run until SIGTERM; then leave a file with the time, so that the order of stops can be read."""

    def end(_number: int, _frame: FrameType | None) -> NoReturn:
        Path(f"{mark}.ended").write_text(str(time.monotonic()))
        sys.exit()

    signal.signal(signal.SIGTERM, end)
    Path(f"{mark}.up").touch()
    print("up", flush=True)
    while True:
        signal.pause()


def dies() -> NoReturn:
    """End at once with an error."""
    print("no such luck")
    sys.exit(3)


def stubborn(mark: str) -> NoReturn:
    """Ignore SIGTERM."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    Path(f"{mark}.up").touch()
    while True:
        signal.pause()


if __name__ == "__main__":
    {"lives": lives, "dies": dies, "stubborn": stubborn}[sys.argv[1]](*sys.argv[2:])
