"""What may go wrong with the record."""

from core.store_fault import StoreFault
from state.version import VERSION


class StateError(Exception):
    """The record could not be read or written."""


class StoreUnavailable(StateError):
    """Valkey does not answer, or takes no writes (`fault`); nothing is lost, the call may be repeated."""

    def __init__(self, said: str, fault: StoreFault = StoreFault.AWAY) -> None:
        super().__init__(said)
        self.fault = fault


class OutputTooLarge(StateError):
    """A step's output is larger than OUTPUT_LIMIT_BYTES allows."""

    def __init__(self, size: int, limit: int) -> None:
        super().__init__(f"the output has {size} bytes, the limit is {limit} (OUTPUT_LIMIT_BYTES)")


class BadCursor(StateError):
    """A text that is not the place of a page in a list."""

    def __init__(self, text: str) -> None:
        super().__init__(f"{text[:40]!r} is not a cursor of a list of workflows")


class KeyUsedOtherwise(StateError):
    """An idempotency key that has begun a workflow came again with another request."""

    def __init__(self) -> None:
        super().__init__("this idempotency key was used for another request")


class NewerRecord(StateError):
    """The record was made by a later release, and only such a one knows what it means."""

    def __init__(self, workflow_id: str, version: int) -> None:
        super().__init__(
            f"workflow {workflow_id} was recorded by a newer release "
            f"(record version {version}; this one reads up to {VERSION})"
        )
        self.version = version


class NoRoom(StateError):
    """`setting` allows no further workflow just now; nothing was recorded."""

    def __init__(self, setting: str, what: str, count: int) -> None:
        where = f"wait in {what}" if setting == "QUEUE_MAX" else f"of {what} are open"
        super().__init__(f"{count:,} {where}, and {setting} allows no more")
        self.setting = setting


class WorkflowFailed(Exception):
    """The workflow ended without an answer; raised by `AsyncResult(workflow_id).get()`."""
