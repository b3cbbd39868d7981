"""The app's remote control, through which the shell, Flower and scripts go: recorded first, then told to the workers.

So a cancel holds with no worker up, and one wish is one event however many workers hear of it. The commands of ours are
carried out here and answered once, by `NODE`; workers know them too, for askers that have no such class.
"""

from collections.abc import Callable
from typing import Any

from celery.app.control import Control as CeleryControl
from celery.exceptions import CeleryCommandException
from celery.platforms import EX_UNAVAILABLE
from celery.utils.functional import maybe_list

from state.errors import StoreUnavailable
from tasks.commands import COMMANDS, REFUSED, cancel_named

NODE = "baton"
REVOKES = frozenset({"revoke", "terminate"})
INSPECTS = frozenset({"workflow"})


class Control(CeleryControl):  # type: ignore[misc]
    """Celery's remote control, with the record before the workers."""

    def broadcast(
        self,
        command: str,
        arguments: dict[str, Any] | None = None,
        destination: list[str] | None = None,
        *,
        callback: Callable[[Any], None] | None = None,
        **options: Any,
    ) -> Any:
        """Send a command to the workers; a revoke cancels what is ours first, our own commands need no worker."""
        try:
            if command in REVOKES:
                ids = maybe_list((arguments or {}).get("task_id")) or []
                if not ids and options.get("reply"):
                    raise CeleryCommandException(f"Say what to {command}: an id is missing.", REFUSED)
                cancel_named(ids)
            elif command in COMMANDS and not destination:
                return self._carried_out(command, arguments or {}, callback)
        except StoreUnavailable as error:
            raise CeleryCommandException(
                f"{error.fault.said} ({error}): nothing was recorded. Ask again when that is over.", EX_UNAVAILABLE
            ) from error
        return super().broadcast(command, arguments, destination, callback=callback, **options)

    def _carried_out(
        self, command: str, arguments: dict[str, Any], callback: Callable[[Any], None] | None
    ) -> list[dict[str, Any]]:
        reply = COMMANDS[command](self.app, **arguments)
        if callback is not None:  # the shell's, for a person; for a program it prints what is returned
            callback({NODE: reply.text if command in INSPECTS else {"ok": reply.text}})
        return [{NODE: reply.data if command in INSPECTS else {"ok": reply.data}}]
