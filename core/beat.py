"""What beat keeps in Redis.

Keys: baton:redbeat:*, the schedule and the lock of the one beat that leads (writer: beat, through redbeat; readers:
beat, and the lock's also whoever asks whether one leads).
"""

from typing import Final

KEY_PREFIX: Final = "baton:redbeat:"
BEAT_LOCK: Final = f"{KEY_PREFIX}:lock"  # redbeat puts a colon between
