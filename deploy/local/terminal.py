"""The terminal: Ctrl-C is for the system alone, not for the `make` that started it.

make, too, is told of a Ctrl-C, prints an error and returns 130 however well its command ended. So the command becomes
the terminal's foreground process group by itself, and gives the terminal back when it ends.
"""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def own_foreground() -> Iterator[None]:
    """Be the terminal's foreground group for a while, where there is a terminal and we are in its foreground."""
    if not sys.stdin.isatty() or os.tcgetpgrp(sys.stdin.fileno()) != os.getpgrp() or os.getpgrp() == os.getpid():
        yield
        return
    before = os.getpgrp()
    os.setpgid(0, 0)
    # Whoever is not in the foreground is stopped by SIGTTOU when it changes that, unless it ignores the signal.
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    os.tcsetpgrp(sys.stdin.fileno(), os.getpgrp())
    try:
        yield
    finally:
        os.tcsetpgrp(sys.stdin.fileno(), before)
