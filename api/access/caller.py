"""Who asks: `request.state.caller`, set by the door (`api.access.door`) for every request it lets in."""

from dataclasses import dataclass
from typing import Final

from starlette.requests import Request

from api.access.roles import Role


@dataclass(frozen=True, slots=True)
class Caller:
    """The key a request came with; without keys everybody on this machine is `LOCAL`, whose `key_id` is empty."""

    key_id: str
    role: Role

    @property
    def name(self) -> str:
        """What the audit calls them."""
        return self.key_id or "local"

    def acting_as(self, actor: str) -> str:
        """The actor of a change: who they say they are, and the key that says so."""
        return f"{actor} (key {self.key_id})" if self.key_id else actor


LOCAL: Final = Caller("", Role.ADMIN)


def caller_of(request: Request) -> Caller:
    """Who asks; the door has let them in, so this decides nothing."""
    found: Caller = getattr(request.state, "caller", LOCAL)
    return found
