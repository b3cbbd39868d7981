"""Names of settings that are almost right: they set nothing, and nobody says so."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Final

ALIKE: Final = 0.85


def misspelt(given: Iterable[str], settings: Iterable[str]) -> Mapping[str, str]:
    """Each name given that is no setting but looks like one, with the setting it looks like; case says nothing.

    A name of one word (`AGENT`, `DATA`) is as likely to be another program's.
    """
    known = {name.upper() for name in settings}
    strange = sorted(name for name in {name.upper() for name in given} - known if "_" in name)
    alike = {name: get_close_matches(name, known, n=1, cutoff=ALIKE) for name in strange}
    return {name: found[0] for name, found in alike.items() if found}
