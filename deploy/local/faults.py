"""Why the system does not start or go on, in words for the person at the terminal."""


class LocalFault(Exception):
    """The local system cannot run; the message says which part, and what to change."""


class PortInUseError(LocalFault):
    """Another process listens where one of ours should."""

    def __init__(self, title: str, port: int, setting: str) -> None:
        free = port + 10 if port + 10 <= 65535 else port - 10
        super().__init__(f"Port {port} ({title}) is in use. Set {setting} to a free one: {setting}={free} make run")


class SamePortError(LocalFault):
    """Two of our own servers were given one port."""

    def __init__(self, port: int, first: str, second: str, setting: str) -> None:
        super().__init__(f"Port {port} is given to both {first} and {second}. Set {setting} to another one.")


class MissingModuleError(LocalFault):
    """A package or a part of the project cannot be found."""

    def __init__(self, title: str, module: str) -> None:
        super().__init__(f"Module {module} ({title}) is missing. Install what the system needs: "
                         "rm -f .venv/.runtime; make run")


class ExposedError(LocalFault):
    """Others could come in, or the keys that keep them out cannot be read."""


class AlreadyRunningError(LocalFault):
    """Another start uses the same data folder."""

    def __init__(self, folder: object) -> None:
        super().__init__(f"Baton already runs with the data in {folder}. Stop it, or set BATON_DIR to another folder.")


class ChildDiedError(LocalFault):
    """A process ended again and again soon after its start."""

    def __init__(self, title: str, log: object, last_lines: list[str]) -> None:
        quoted = "".join(f"\n    {line}" for line in last_lines)
        super().__init__(f"The {title} keeps dying, so everything is stopped. Its last lines, from {log}:{quoted}")


class NotReadyError(LocalFault):
    """A process runs but never became ready."""

    def __init__(self, title: str, waited_s: float, missing: str, log: object) -> None:
        super().__init__(f"The {title} is not ready after {waited_s:.0f} s: {missing}. Its log: {log}")


class SupervisorGoneError(LocalFault):
    """supervisord itself ended; its children ended with it."""

    def __init__(self, log: object) -> None:
        super().__init__(f"supervisord ended by itself, so everything is stopped. Its log: {log}")
