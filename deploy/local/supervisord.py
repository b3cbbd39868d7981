"""supervisord, as this project uses it: one generated file in, process states out over its documented XML-RPC.

Its file is `BATON_DIR/supervisord.conf`, so `supervisorctl -c .baton/supervisord.conf status` works beside `make run`.
"""

import hashlib
import os
import shlex
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from xmlrpc.client import Error, ServerProxy

from supervisor.xmlrpc import SupervisorTransport  # type: ignore[import-untyped]

from deploy.local.children import Child
from deploy.local.leash import leash

# Two groups, stopped one after the other: at most 3 s + 2 s, and about one second of supervisord's own loop for each.
STOP_WAIT_S = {"baton": 3, "store": 2}
STOP_LIMIT_S = 9.5
# A start this long counts as a success; shorter ones are repeated after 1, 2, 3 ... s, this often.
START_S = 5
START_RETRIES = 10

_HEAD = """\
[supervisord]
nodaemon=true
logfile=/dev/null
logfile_maxbytes=0
pidfile={folder}/supervisord.pid
childlogdir={folder}/logs

[unix_http_server]
file={socket}
chmod=0700

[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface

[supervisorctl]
serverurl=unix://{socket}
"""
_PROGRAM = """
[program:{name}]
command={command}
autostart=false
autorestart=true
startsecs={start_s}
startretries={retries}
stopsignal=TERM
stopwaitsecs={stop_s}
killasgroup=true
redirect_stderr=true
stdout_logfile={log}
stdout_logfile_maxbytes=10MB
stdout_logfile_backups=1
environment=PYTHONUNBUFFERED="1"
"""
_GROUP = """
[group:{name}]
programs={programs}
priority={priority}
"""


@dataclass(frozen=True)
class State:
    """One process as supervisord sees it; `started_at` (s) changes with every start, `pid` is 0 while it is down."""

    name: str
    status: str
    pid: int
    started_at: int
    exit_status: int


class Supervisord:
    """One supervisord over one data folder; leaving the context stops everything, the store last."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()
        self.logs = self.folder / "logs"
        self.own_log = self.logs / "supervisord.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._transport: Any = SupervisorTransport(None, None, f"unix://{socket_path(self.folder)}")
        self._rpc: Any = ServerProxy("http://127.0.0.1", transport=self._transport).supervisor

    def log_of(self, name: str) -> Path:
        """Where the output of process `name` goes."""
        return self.logs / f"{name}.log"

    def launch(self, wanted: list[Child]) -> None:
        """Start supervisord itself; its processes wait for `start`."""
        self.logs.mkdir(parents=True, exist_ok=True)
        config = self.folder / "supervisord.conf"
        config.write_text(self._configuration(wanted))
        with self.own_log.open("wb") as log:
            # A session of its own: Ctrl-C reaches us alone, and we stop the rest in order. It obeys a lost parent too.
            self._process = subprocess.Popen(
                leash("TERM", [sys.executable, "-m", "supervisor.supervisord", "-c", str(config)]),
                stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, start_new_session=True)

    def start(self, group: str) -> None:
        """Start a group, `store` or `baton`, all its processes at once."""
        self._rpc.startProcessGroup(group, False)

    def states(self) -> dict[str, State]:
        """All processes by name; empty while supervisord does not answer."""
        try:
            found = self._rpc.getAllProcessInfo()
        except (OSError, HTTPException, Error):
            self._transport.close()
            return {}
        return {info["name"]: State(info["name"], info["statename"], info["pid"], info["start"], info["exitstatus"])
                for info in found}

    @property
    def pid(self) -> int:
        """supervisord's own process."""
        return int((self.folder / "supervisord.pid").read_text())

    @property
    def alive(self) -> bool:
        """Whether the supervisord launched here still runs."""
        return self._process is not None and self._process.poll() is None

    def close(self) -> None:
        """Hang up; the supervisor goes on."""
        self._transport.close()

    def stop(self) -> None:
        """Stop everything in order, in under ten seconds; what does not go by itself is killed."""
        self.close()
        if self._process is None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _kind: type[BaseException] | None, _error: BaseException | None,
                 _trace: TracebackType | None) -> None:
        self.stop()

    def _configuration(self, wanted: list[Child]) -> str:
        groups = {"store": [child for child in wanted if child.stops_last],
                  "baton": [child for child in wanted if not child.stops_last]}
        text = _HEAD.format(folder=_escaped(self.folder), socket=_escaped(socket_path(self.folder)))
        for priority, (group, members) in enumerate(groups.items(), start=1):
            for child in members:
                command = shlex.join(leash("KILL", list(child.command)))
                log = self.log_of(child.name)
                text += _PROGRAM.format(name=child.name, command=_escaped(command), log=_escaped(log), start_s=START_S,
                                        retries=START_RETRIES, stop_s=STOP_WAIT_S[group])
            if members:
                # Groups stop in falling order of priority, each as a whole.
                text += _GROUP.format(name=group, programs=",".join(child.name for child in members), priority=priority)
        return text


def socket_path(folder: Path) -> Path:
    """Where supervisord listens: a short path, because a socket's may have about a hundred characters only."""
    mark = hashlib.sha256(str(folder.absolute()).encode()).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"baton-{os.getuid()}-{mark}.sock"


def _escaped(value: object) -> str:
    return str(value).replace("%", "%%")
