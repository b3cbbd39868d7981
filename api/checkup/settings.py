"""The settings, as far as they can be judged without asking anybody."""

from collections.abc import Mapping
from pathlib import Path

from api.access.keys import BadKeysFile, read_keys
from core.exposure import Door, OpenDoor, check_doors
from core.finding import Finding, failing, warning, well
from core.misspelt import misspelt
from core.settings import Settings

_SUBJECT = "settings"


def settings_findings(settings: Settings, given: Mapping[str, str]) -> list[Finding]:
    """Misspelt names, doors that stand open, a file of keys that cannot be read, limits that contradict each other."""
    names = misspelt(given, Settings.model_fields)
    found = [
        warning(_SUBJECT, f"{name} is no setting, so it sets nothing.", f"Did you mean {meant}?")
        for name, meant in names.items()
    ]
    found += [*_doors(settings), *_times(settings)]
    return found or [well(_SUBJECT, "All are valid.")]


def _doors(settings: Settings) -> list[Finding]:
    try:
        check_doors(settings, Door.API, Door.FLOWER)
        if settings.api_keys_file:
            read_keys(Path(settings.api_keys_file))
    except (OpenDoor, BadKeysFile) as error:
        return [failing(_SUBJECT, str(error), "Until then no process starts; docs/security.md tells more.")]
    return []


def _times(settings: Settings) -> list[Finding]:
    longest_s = max(settings.nlp_timeout_s, settings.data_timeout_s, settings.viz_timeout_s)
    if longest_s <= settings.workflow_deadline_s:
        return []
    found = f"An agent may take {longest_s:g} s, a whole question only {settings.workflow_deadline_s:g} s."
    return [warning(_SUBJECT, found, "Raise WORKFLOW_DEADLINE_S, or lower the agent's ..._TIMEOUT_S.")]
