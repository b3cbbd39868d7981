"""`make key NAME=ann ROLE=ask`: a new API key. Its secret is shown once; API_KEYS_FILE keeps only its hash."""

import sys
from pathlib import Path

from pydantic import ValidationError

from api.access.keys import BadKeysFile, Key, add_key, new_key
from api.access.roles import Role
from core.settings import get_settings


def main(arguments: list[str]) -> int:
    """Exit code 0 and the key on standard output, else 1 and the reason."""
    try:
        key, presented = _wanted(arguments)
        add_key(_file(), key)
    except (BadKeysFile, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"Key {key.id} ({key.role}), shown only now. Send it as  Authorization: Bearer <key>", file=sys.stderr)
    print(presented)
    return 0


def _wanted(arguments: list[str]) -> tuple[Key, str]:
    if len(arguments) != 2 or arguments[1] not in list(Role):
        raise ValueError(f"Say for whom and what for: make key NAME=ann ROLE={'|'.join(Role)}")
    try:
        return new_key(arguments[0], Role(arguments[1]))
    except ValidationError:
        raise ValueError("NAME: small letters, digits, - and _, at most 40 of them.") from None


def _file() -> Path:
    named = get_settings().api_keys_file
    if not named:
        raise ValueError("Say where the keys are kept, best in .env: API_KEYS_FILE=.baton/keys")
    return Path(named)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
