"""What a newer release has recorded or sent is left alone: its message goes back, until a newer worker has it.

It comes back every few seconds, so that it soon meets a newer worker, however few of them there are yet. Should none
ever come, nothing is lost: the step stays due.
"""

import random
from typing import Any, Final

from celery import Task
from celery.exceptions import Ignore

from core.logging import get_logger
from state.version import MESSAGE_HEADER, MESSAGE_VERSION, VERSION

log = get_logger(__name__)
# At random: workers ask for messages in a rhythm, in which a fixed wait would meet the same worker each time.
SHORTEST_WAIT_S: Final = 1.0
LONGEST_WAIT_S: Final = 3.0
PUT_BACK_AT_MOST: Final = 90  # three minutes in all: after that the due set is what brings the step back
_said: list[bool] = []


def is_newer(request: Any) -> bool:
    """Whether a message says that it is of a later version than ours."""
    return int(request.get(MESSAGE_HEADER) or 1) > MESSAGE_VERSION


def left(task: Task) -> Exception:
    """What ends `task` here and puts its message back."""
    say_once()
    if task.request.retries >= PUT_BACK_AT_MOST:
        task.request.chain = None
        ends: Exception = Ignore()
    else:
        wait_s = random.uniform(SHORTEST_WAIT_S, LONGEST_WAIT_S)  # noqa: S311
        ends = task.retry(countdown=wait_s, max_retries=None, throw=False)
    return ends


def say_once() -> None:
    """One line in the log, however many there are."""
    if not _said:
        _said.append(True)
        log.warning("left_to_newer", reads_up_to=VERSION, meaning="newer workers go on with it; upgrade this one")
