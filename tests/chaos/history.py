"""Which histories of a workflow are legal: a second opinion about what the transitions wrote, from the events alone.

`violations` replays the events of one workflow and names every rule they break. It shares no code with the transitions.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from state.events import Event, EventKind
from state.model import StepStatus, WorkflowStatus

CLOSED = frozenset({StepStatus.SUCCEEDED, StepStatus.DEGRADED, StepStatus.FAILED, StepStatus.SKIPPED})
DONE = frozenset({StepStatus.SUCCEEDED, StepStatus.DEGRADED})
SENT = frozenset({StepStatus.QUEUED, StepStatus.RETRYING})


@dataclass
class Step:
    """What is known of a step so far. HELD leaves no event, so it counts as QUEUED here."""

    after: tuple[str, ...]
    status: StepStatus = StepStatus.WAITING
    attempt: int = 0
    fence: int = 0
    takeovers: int = 0
    send: int = 0

    def sent(self) -> None:
        """Queued, with a message of its own."""
        self.status, self.send = StepStatus.QUEUED, self.send + 1


@dataclass
class Replay:
    """One workflow being replayed."""

    steps: dict[str, Step]
    found: list[str] = field(default_factory=list)
    accepted: bool = False
    paused: bool = False
    cancelled: bool = False
    ended: str = ""
    round: int = 0

    def demand(self, holds: bool, rule: str, event: Event) -> None:
        """Note a broken rule."""
        if not holds:
            self.found.append(f"{event.kind} {event.step or 'workflow'} at {event.event_id}: {rule}")

    def release(self) -> None:
        """Queue whatever waits for nothing any more."""
        for step in self.steps.values():
            if step.status is StepStatus.WAITING and all(self.steps[name].status in DONE for name in step.after):
                step.sent()


def violations(events: Iterable[Event], plan: Mapping[str, tuple[str, ...]], final: str) -> list[str]:
    """The rules that `events` break; `plan` is step -> after, `final` the status the record shows."""
    replay = Replay({name: Step(after) for name, after in plan.items()})
    last_id, last_ms = (0, 0), 0
    for event in events:
        entry_id = _order(event.event_id)
        replay.demand(entry_id > last_id and event.at_ms >= last_ms, "events are in order of time", event)
        last_id, last_ms = entry_id, event.at_ms
        _apply(replay, event)
    if not replay.ended:
        replay.found.append("the workflow has not ended")
    elif replay.ended != final:
        replay.found.append(f"the history ends {replay.ended}, the record says {final}")
    return replay.found


def _order(event_id: str) -> tuple[int, int]:
    at_ms, _, sequence = event_id.partition("-")
    return int(at_ms), int(sequence)


def _apply(replay: Replay, event: Event) -> None:
    replay.demand(not replay.ended or event.kind is EventKind.RESET, "nothing follows the end but a reset", event)
    replay.demand(replay.accepted or event.kind is EventKind.ACCEPTED, "the first event is `accepted`", event)
    if event.kind in _OF_WORKFLOW:
        _OF_WORKFLOW[event.kind](replay, event)
    elif event.kind not in _OF_STEP:
        replay.demand(False, "the kind of event is known", event)
    elif event.step not in replay.steps:
        replay.demand(False, "the step is part of the plan", event)
    else:
        _OF_STEP[event.kind](replay, event, replay.steps[event.step])


def _accepted(replay: Replay, event: Event) -> None:
    replay.demand(not replay.accepted, "a workflow is accepted once", event)
    replay.accepted = True
    replay.release()


def _cancel_requested(replay: Replay, _: Event) -> None:
    replay.cancelled = True


def _paused(replay: Replay, event: Event) -> None:
    replay.demand(not replay.paused, "only what is not paused is paused", event)
    replay.paused = True
    for step in replay.steps.values():
        if step.status in SENT:
            step.status = StepStatus.WAITING


def _resumed(replay: Replay, event: Event) -> None:
    replay.demand(replay.paused, "only what is paused is resumed", event)
    replay.paused = False
    replay.release()


def _reset(replay: Replay, event: Event) -> None:
    replay.demand(bool(replay.ended), "only what has ended is run again", event)
    replay.demand(int(event.data["round"]) == replay.round + 1, "rounds are counted one by one", event)
    first = event.data["from"]
    for name in _run_again(replay.steps, first):
        step = replay.steps[name]
        step.status, step.attempt, step.takeovers, step.send = StepStatus.WAITING, 0, 0, 0
    replay.round, replay.ended, replay.cancelled, replay.paused = replay.round + 1, "", False, False
    replay.release()


def _run_again(steps: Mapping[str, Step], first: str) -> set[str]:
    """What a reset runs again: the step it names, else what did not succeed, and whatever hangs on it either way."""
    again = {first} if first else {name for name, step in steps.items() if step.status is not StepStatus.SUCCEEDED}
    grown = True
    while grown:
        before = len(again)
        again |= {name for name, step in steps.items() if again & set(step.after)}
        again |= {name for one in again for name in steps[one].after if steps[name].status not in DONE}
        grown = len(again) > before
    return again


def _ended(replay: Replay, event: Event) -> None:
    replay.ended = event.status
    statuses = {step.status for step in replay.steps.values()}
    for step in replay.steps.values():
        step.status = step.status if step.status in CLOSED else StepStatus.CANCELLED
    if replay.cancelled:
        replay.demand(event.status == WorkflowStatus.CANCELLED, "a cancelled workflow ends CANCELLED", event)
        return
    if replay.paused and event.status == WorkflowStatus.CANCELLED:  # it was paused for too long
        replay.demand(statuses <= CLOSED | {StepStatus.WAITING}, "no step is open when a pause ends", event)
        return
    replay.demand(statuses <= CLOSED, "no step is open when the workflow ends", event)
    if StepStatus.FAILED in statuses:
        expected = WorkflowStatus.FAILED
    else:
        expected = WorkflowStatus.DEGRADED if StepStatus.DEGRADED in statuses else WorkflowStatus.SUCCEEDED
    replay.demand(event.status == expected, f"by its steps the workflow ends {expected}", event)


def _begun(replay: Replay, event: Event, step: Step) -> None:
    attempt, fence = int(event.data["attempt"]), int(event.data["fence"])
    replay.demand(not replay.paused, "nothing begins in a pause", event)
    replay.demand(not replay.cancelled, "nothing begins after a cancel", event)
    replay.demand(step.status in SENT, f"a step begins when it is sent, not {step.status}", event)
    replay.demand(attempt == step.attempt + 1, "attempts are counted one by one", event)
    replay.demand(fence > step.fence, "each claim has a higher fence", event)
    step.status, step.attempt, step.fence = StepStatus.RUNNING, attempt, fence


def _reports(replay: Replay, event: Event, step: Step) -> None:
    replay.demand(step.status is StepStatus.RUNNING, f"only a running step reports, not {step.status}", event)
    replay.demand(int(event.data["attempt"]) == step.attempt, "only the newest attempt reports", event)


def _succeeded(replay: Replay, event: Event, step: Step) -> None:
    _reports(replay, event, step)
    step.status = StepStatus(event.status)
    replay.demand(step.status in DONE, "success is SUCCEEDED or DEGRADED", event)
    if not replay.paused:
        replay.release()


def _extended(replay: Replay, event: Event, step: Step) -> None:
    # `plan` is the whole one; no step of it that came later can have begun before.
    replay.demand(step.status in DONE, f"a step extends the plan when it is done, not {step.status}", event)


def _retrying(replay: Replay, event: Event, step: Step) -> None:
    _reports(replay, event, step)
    step.status = StepStatus.WAITING if replay.paused else StepStatus.RETRYING
    step.attempt -= event.data["called"] == "no"  # its breaker was open: no attempt was spent


def _failed(replay: Replay, event: Event, step: Step) -> None:
    # What a pause took back waits, and may still be given up: the last of too many takeovers is told first.
    open_ = step.status not in CLOSED and (step.status is not StepStatus.WAITING or replay.paused)
    replay.demand(open_, f"a step fails once, and after it was sent, not {step.status}", event)
    step.status = StepStatus.FAILED


def _skipped(replay: Replay, event: Event, step: Step) -> None:
    replay.demand(step.status is StepStatus.WAITING, f"only a waiting step is skipped, not {step.status}", event)
    step.status = StepStatus.SKIPPED


def _resent(replay: Replay, event: Event, step: Step) -> None:
    send = int(event.data["send"])
    replay.demand(step.status in SENT, f"only what waits for a worker is sent again, not {step.status}", event)
    step.sent()
    replay.demand(send == step.send, f"sends are counted one by one: {step.send}, not {send}", event)


def _taken_over(replay: Replay, event: Event, step: Step) -> None:
    takeovers = int(event.data["takeovers"])
    replay.demand(step.status in {StepStatus.RUNNING, StepStatus.QUEUED},
                  f"only a running or held step is taken over, not {step.status}", event)
    expected = step.takeovers + (step.status is StepStatus.RUNNING)
    replay.demand(takeovers == expected, f"takeovers of running steps are counted: {expected}, not {takeovers}", event)
    # The takeover itself takes a fence, and sends; in a pause that is left to the resume.
    step.status, step.takeovers, step.fence = StepStatus.WAITING, takeovers, step.fence + 1
    if not replay.paused:
        step.sent()


_OF_WORKFLOW: dict[EventKind, Callable[[Replay, Event], None]] = {
    EventKind.ACCEPTED: _accepted,
    EventKind.CANCEL_REQUESTED: _cancel_requested,
    EventKind.PAUSED: _paused,
    EventKind.RESUMED: _resumed,
    EventKind.RESET: _reset,
    EventKind.ENDED: _ended,
}
_OF_STEP: dict[EventKind, Callable[[Replay, Event, Step], None]] = {
    EventKind.BEGUN: _begun,
    EventKind.SUCCEEDED: _succeeded,
    EventKind.EXTENDED: _extended,
    EventKind.RETRYING: _retrying,
    EventKind.FAILED: _failed,
    EventKind.SKIPPED: _skipped,
    EventKind.RESENT: _resent,
    EventKind.TAKEN_OVER: _taken_over,
}
