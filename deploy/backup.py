"""`make backup` and `make restore FILE=...`: the embedded server's append-only files as one archive.

A backup is taken while everything runs. The base file does not change once rewriting is held, and the increment only
grows, so what is read is the data as it stood at one moment; a last command that was cut in two is dropped by the
server when it loads the archive. Restoring needs a stopped system, and keeps what was there.
"""

import argparse
import shutil
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import redis
from rich.console import Console

from core.settings import Settings, get_settings
from core.valkey import sync_client
from deploy.local.faults import LocalFault
from deploy.local.preflight import folder_lock

FILES = "appendonlydir"
REWRITE_SETTING = "auto-aof-rewrite-percentage"
console = Console(highlight=False, soft_wrap=True)


class BackupFault(LocalFault):
    """The backup or the restore cannot be done; the message says why and what to do."""


def main(arguments: list[str] | None = None) -> int:
    """Exit code 0 when it is done, 1 after a fault that is told in one line."""
    parser = argparse.ArgumentParser(prog="python -m deploy.backup", description=__doc__)
    parser.add_argument("--restore", type=Path, metavar="FILE", help="put this archive in place of the data")
    options = parser.parse_args(arguments)
    settings = get_settings()
    try:
        if not settings.embedded_valkey:
            raise BackupFault("REDIS_URL names a server of your own: use that server's own backup.")
        if options.restore:
            console.print(f"Restored {options.restore}; the data before is in {restore(settings, options.restore)}")
        else:
            console.print(f"Backed up to {backup(settings)}")
    except LocalFault as fault:
        console.print(f"[red]{fault}")
        return 1
    return 0


def backup(settings: Settings) -> Path:
    """Write `<BATON_DIR>/backups/<moment>.tar.gz` of the running server's data; answers its path."""
    folder = settings.baton_dir / "backups"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    archive = folder / f"{_moment()}.tar.gz"
    partial = archive.with_suffix(".partial")
    client = sync_client(settings.store_url)
    try:
        with _rewriting_held(client):
            partial.touch(mode=0o600)  # every question and answer is in it
            with tarfile.open(partial, "w:gz", compresslevel=1) as tar:
                tar.add(_valkey_folder(settings) / FILES, arcname=FILES)
    except (redis.ConnectionError, redis.TimeoutError) as error:
        raise BackupFault(
            f"The embedded server does not answer on port {settings.valkey_port}. Start it: make run"
        ) from error
    finally:
        client.close()
    return partial.rename(archive)


def restore(settings: Settings, archive: Path) -> Path:
    """Put `archive` in place; answers where the data before has gone."""
    if not archive.is_file():
        raise BackupFault(f"There is no file {archive}. Backups are in {settings.baton_dir / 'backups'}.")
    with folder_lock(settings.baton_dir):
        data = _valkey_folder(settings)
        fresh, before = data.with_name("valkey.restoring"), data.with_name(f"valkey.before-{_moment()}")
        shutil.rmtree(fresh, ignore_errors=True)  # what a restore that failed has left
        try:
            with tarfile.open(archive) as tar:
                tar.extractall(fresh, filter="data")
        except tarfile.TarError as error:
            raise BackupFault(f"{archive} is not a backup that can be read: {error}") from error
        if not (fresh / FILES).is_dir():
            raise BackupFault(f"{archive} is not a backup of Baton: it has no {FILES}.")
        if data.exists():
            data.rename(before)
        fresh.rename(data)
    return before


@contextmanager
def _rewriting_held(client: "redis.Redis") -> Iterator[None]:
    """No rewrite of the append-only files begins meanwhile; one that is under way is a fault."""
    before = cast("dict[str, str]", client.config_get(REWRITE_SETTING))[REWRITE_SETTING]
    client.config_set(REWRITE_SETTING, 0)
    try:
        if cast("dict[str, int]", client.info("persistence"))["aof_rewrite_in_progress"]:
            raise BackupFault("The server is rewriting its files just now. Try again in a minute.")
        yield
    finally:
        client.config_set(REWRITE_SETTING, before)


def _valkey_folder(settings: Settings) -> Path:
    return settings.baton_dir.absolute() / "valkey"


def _moment() -> str:
    return datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")


if __name__ == "__main__":
    raise SystemExit(main())
