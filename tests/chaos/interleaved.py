"""What a history shows to have happened in an interesting order: so that a test can tell that it did."""

from collections import Counter
from collections.abc import Iterable

from state.events import Event, EventKind

STOPPED_BY = {EventKind.PAUSED: "pause", EventKind.CANCEL_REQUESTED: "cancel"}


def seen_in(events: Iterable[Event]) -> Counter[str]:
    """Kinds of events; what happened in pauses; which stops met a call; rounds that ended."""
    seen: Counter[str] = Counter()
    called: set[str] = set()
    paused = False
    for event in events:
        seen[str(event.kind)] += 1
        seen["brought back"] += event.kind in (EventKind.RESENT, EventKind.TAKEN_OVER)
        if event.kind is EventKind.BEGUN:
            called.add(event.step)
        elif event.step:
            called.discard(event.step)
            seen[f"{event.kind} in a pause"] += paused
        elif event.kind in STOPPED_BY:
            seen[f"{STOPPED_BY[event.kind]} during a call"] += bool(called)
            seen["stopped during a call"] += bool(called)
        elif event.kind is EventKind.ENDED:
            seen[f"ended {event.status}"] += 1
            called.clear()
        paused = event.kind is EventKind.PAUSED or (paused and event.kind not in (EventKind.RESUMED, EventKind.ENDED))
    return seen
