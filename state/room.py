"""Room: how much may wait, and how much one caller may have open, when a workflow is accepted or run again."""

from dataclasses import dataclass

from state.errors import NoRoom
from state.transition import Raw


@dataclass(frozen=True, slots=True)
class Room:
    """0 bounds nothing. Checked by the script that would accept it, so that nothing is recorded of what is refused.

    `queue_max` is about messages that wait in the queues a workflow begins in; those on their way there are not seen.
    """

    max_open: int = 0
    queue_max: int = 0


ENDLESS = Room()


def no_room(raw: Raw) -> NoRoom:
    """What a script says when there is none."""
    return NoRoom(raw[1].decode(), raw[2].decode(), int(raw[3]))
