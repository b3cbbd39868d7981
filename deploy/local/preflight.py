"""Everything that can be known to be wrong before the first process starts."""

import fcntl
import importlib.util
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from api.access.keys import BadKeysFile, read_keys
from core.exposure import Door, OpenDoor, check_doors
from core.settings import Settings
from deploy.local.children import Child
from deploy.local.faults import AlreadyRunningError, ExposedError, MissingModuleError, PortInUseError, SamePortError


@contextmanager
def folder_lock(folder: Path) -> Iterator[None]:
    """Hold the data folder for one start; the kernel lets go of it however this process ends.

    It is closed to others when it is made: questions, answers and logs are in it.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (folder / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AlreadyRunningError(folder) from None
        yield


def check_exposure(settings: Settings) -> None:
    """Raise `ExposedError` when a door would stand open, or its keys cannot be read."""
    doors = [Door.API, Door.FLOWER]
    if not all((settings.nlp_agent_url, settings.data_agent_url, settings.viz_agent_url)):
        doors.append(Door.AGENT)
    try:
        check_doors(settings, *doors)
        if settings.api_keys_file:
            read_keys(Path(settings.api_keys_file))
    except (OpenDoor, BadKeysFile) as error:
        raise ExposedError(str(error)) from error


def check(wanted: list[Child], host: str) -> None:
    """Raise the first fault: a module that is missing, one port given twice, a port in use."""
    for child in wanted:
        for module in child.modules:
            if not _importable(module):
                raise MissingModuleError(child.title, module)
    _check_ports([child for child in wanted if child.port], host)


def _importable(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def _check_ports(servers: list[Child], host: str) -> None:
    taken: dict[int, Child] = {}
    for child in servers:
        assert child.port is not None  # noqa: S101 - for the type checker; the caller filtered
        if other := taken.get(child.port):
            raise SamePortError(child.port, other.title, child.title, child.port_setting)
        taken[child.port] = child
        if _in_use(host, child.port):
            raise PortInUseError(child.title, child.port, child.port_setting)


def _in_use(host: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        # As servers do: a port whose last connections linger in TIME_WAIT is free.
        if os.name == "posix":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return True
    return False
