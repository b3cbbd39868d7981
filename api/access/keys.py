"""API keys: `<id>.<secret>`. The file keeps ids, roles and hashes, one JSON object a line, and never a secret.

A secret has 256 random bits, so one round of SHA-256 keeps it as well as a slow hash would.
"""

import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from api.access.caller import Caller
from api.access.roles import Role
from core.logging import get_logger
from core.settings import Settings

log = get_logger(__name__)
LOOK_AGAIN_S = 1.0
_NOBODY = "0" * 64
KeyId = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")]


class Key(BaseModel):
    """One line of the file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: KeyId
    role: Role
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    created_at: str = ""


class BadKeysFile(Exception):
    """The file of keys cannot be used; the message says why, and quotes no line of it."""


class KeyRing:
    """The keys of a file, read again within a second of a change; a change that cannot be read changes nothing."""

    def __init__(self, file: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._file, self._clock = file, clock
        self._stamp = _stamp(file)
        self._keys = read_keys(file)
        self._looked_at = clock()

    def find(self, presented: str) -> Caller | None:
        """Who presents this key; None when nobody has it. Takes as long for a wrong secret as for a right one."""
        key_id, _, secret = presented.partition(".")
        key = self.keys.get(key_id)
        same = hmac.compare_digest(_digest(secret), key.sha256 if key else _NOBODY)
        return Caller(key.id, key.role) if key and same else None

    def caller(self, key_id: str) -> Caller | None:
        """Who has the key of this id, as long as it is in the file."""
        key = self.keys.get(key_id)
        return Caller(key.id, key.role) if key else None

    @property
    def keys(self) -> dict[str, Key]:
        """The keys by id."""
        if self._clock() - self._looked_at >= LOOK_AGAIN_S:
            self._looked_at = self._clock()
            self._read_again()
        return self._keys

    def _read_again(self) -> None:
        try:
            stamp = _stamp(self._file)
            if stamp != self._stamp:
                self._keys, self._stamp = read_keys(self._file), stamp
                log.info("keys_read_again", keys=len(self._keys))
        except (BadKeysFile, OSError) as error:
            log.warning("keys_not_read_again", error=str(error), meaning="the keys of before stay in force")


def read_keys(file: Path) -> dict[str, Key]:
    """The keys of `file` by id; raises `BadKeysFile`."""
    try:
        lines = file.read_text().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise BadKeysFile(
            f"API_KEYS_FILE: {file} cannot be read ({type(error).__name__}). Make a key: make key NAME=ann ROLE=admin"
        ) from error
    found: dict[str, Key] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            key = Key.model_validate_json(line)
        except ValidationError as error:
            raise BadKeysFile(f"API_KEYS_FILE: line {number} of {file} is not a key as `make key` writes it") from error
        if key.id in found:
            raise BadKeysFile(f"API_KEYS_FILE: {file} has two keys {key.id}")
        found[key.id] = key
    return found


def refuse_bad_keys(settings: Settings) -> None:
    """End this process, with the reason, when its file of keys cannot be used."""
    if settings.api_keys_file:
        try:
            read_keys(Path(settings.api_keys_file))
        except BadKeysFile as error:
            raise SystemExit(str(error)) from error


def new_key(key_id: str, role: Role) -> tuple[Key, str]:
    """A key to be kept, and what its owner presents: nobody can tell it again."""
    secret = secrets.token_urlsafe(32)
    key = Key(id=key_id, role=role, sha256=_digest(secret), created_at=datetime.now(UTC).isoformat(timespec="seconds"))
    return key, f"{key_id}.{secret}"


def add_key(file: Path, key: Key) -> None:
    """Append `key` to `file`, which only its owner may read; raises `BadKeysFile` when the id is taken."""
    if file.exists() and key.id in read_keys(file):
        raise BadKeysFile(f"There is a key {key.id} in {file}. Take its line out, or choose another name.")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch(mode=0o600)
    with file.open("a") as lines:
        lines.write(json.dumps(key.model_dump(mode="json")) + "\n")


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _stamp(file: Path) -> tuple[int, ...]:
    found = file.stat() if file.exists() else None
    return (found.st_ino, found.st_mtime_ns, found.st_size) if found else ()
