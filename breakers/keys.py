"""The breakers' Redis keys; `breakers/lua/breaker.lua` lists type, TTL, writer and readers of each.

A breaker's name may contain colons (`data:tenant`), so what tells two kinds of key apart stands before it.
"""

EVENTS = "baton:breaker-events"
NAMES = "baton:breakers"


def state(name: str) -> str:
    """The breaker's hash."""
    return f"baton:breaker:{name}"


def probes(name: str) -> str:
    """Probes that are out: token -> deadline."""
    return f"baton:breaker-probes:{name}"


def of_script(name: str) -> list[str]:
    """KEYS of the script, in its order."""
    return [state(name), probes(name), EVENTS, NAMES]
