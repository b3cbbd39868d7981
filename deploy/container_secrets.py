"""`make compose-env`: the secrets docker-compose.yml mounts, and its settings.env, a file each; what is there stays.

The folder is closed to all but its owner, what is in it is not: a container reads it under a user of its own, and
nobody else gets past the folder. The API keys have a folder of their own, which is mounted whole: so a file that is put
in the place of another, as editors do, is the one the container sees.
"""

import secrets
import sys
from collections.abc import Iterator
from pathlib import Path

from api.access.keys import add_key, new_key
from api.access.roles import Role
from core.settings import ROOT

FOLDER = ROOT / "secrets"
FIRST_KEY = "admin"
FOLDER_MODE, KEYS_MODE, FILE_MODE = 0o700, 0o755, 0o644
KEYS = "keys/api_keys"
URL = "redis://:{password}@valkey:6379/0"
SETTINGS = "# One setting a line, for every process (docs/configuration.md). No secrets: an environment is shown.\n"


def make_secrets(folder: Path) -> str | None:
    """Make what is missing in `folder`; the first admin's API key if it was made now, for it is kept nowhere."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(FOLDER_MODE)
    for name, text in _missing(folder):
        _write(folder / name, text)
    return None if (folder / KEYS).exists() else _first_key(folder / KEYS)


def _missing(folder: Path) -> Iterator[tuple[str, str]]:
    if not all((folder / name).exists() for name in ("valkey.conf", "redis_url")):  # the same password in both
        password = secrets.token_urlsafe(32)
        yield "valkey.conf", f"requirepass {password}\n"
        yield "redis_url", URL.format(password=password)
    if not (folder / "agent_key").exists():
        yield "agent_key", secrets.token_urlsafe(32)
    if not (folder / "flower_basic_auth").exists():
        yield "flower_basic_auth", f"admin:{secrets.token_urlsafe(24)}"
    if not (folder / "settings.env").exists():
        yield "settings.env", SETTINGS


def _write(file: Path, text: str) -> None:
    file.write_text(text)
    file.chmod(FILE_MODE)


def _first_key(file: Path) -> str:
    key, presented = new_key(FIRST_KEY, Role.ADMIN)
    add_key(file, key)
    file.parent.chmod(KEYS_MODE)
    file.chmod(FILE_MODE)
    return presented


def main(arguments: list[str]) -> int:
    """Make them, and show the first key on standard output."""
    folder = Path(arguments[0]) if arguments else FOLDER
    presented = make_secrets(folder)
    print(f"The secrets are in {folder}, which only you can open; Flower's user and password: flower_basic_auth.",
          file=sys.stderr)
    if presented:
        print("An admin's API key, shown only now. Send it as  Authorization: Bearer <key>", file=sys.stderr)
        print(presented)
    else:
        print(f"There are API keys already. Another: API_KEYS_FILE={folder / KEYS} make key NAME=ann ROLE=ask",
              file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
