"""The benchmark's own processes: on loopback, on free ports, on a leash, ended by whoever started them."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import psutil
import redis

from core.settings import ROOT
from deploy.local.children import valkey_binary
from deploy.local.leash import leash

READY_WITHIN_S = 30.0
MIB = 2**20


def free_port() -> int:
    """A port nobody uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True, slots=True)
class Memory:
    """MiB; `pss` counts a page shared by two processes as half."""

    rss_mib: float
    pss_mib: float


class Process:
    """One child; its output goes to `<folder>/<name>.log`. It dies with us, however we die."""

    def __init__(self, name: str, command: Sequence[str], folder: Path, environment: dict[str, str]) -> None:
        self.log = folder / f"{name}.log"
        with self.log.open("ab") as log:
            self.popen = subprocess.Popen(
                leash("KILL", list(command)),
                cwd=ROOT,
                env={**os.environ, **environment},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE if self.speaks else log,
                stderr=log,
                text=True,
                start_new_session=True,
            )

    speaks = False

    @property
    def cpu_s(self) -> float:
        """Processor time used so far."""
        times = psutil.Process(self.popen.pid).cpu_times()
        return float(times.user + times.system)

    @property
    def memory(self) -> Memory:
        """What it holds now."""
        full = psutil.Process(self.popen.pid).memory_full_info()
        return Memory(full.rss / MIB, full.pss / MIB)

    def fail(self, what: str) -> "RuntimeError":
        """An error that carries the end of the log."""
        return RuntimeError(f"{what}; {self.log.name} ends:\n{self.log.read_text(errors='replace')[-2000:]}")

    def stop(self) -> None:
        """End it at once: what it holds is of no more use to anybody."""
        self.popen.kill()
        self.popen.wait()
        for pipe in (self.popen.stdin, self.popen.stdout):
            if pipe is not None:
                pipe.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


class Spoken(Process):
    """A child that answers every line of JSON with one."""

    speaks = True

    def order(self, **order: Any) -> dict[str, Any]:
        """Give one order and wait for its answer."""
        assert self.popen.stdin is not None and self.popen.stdout is not None  # noqa: S101, PT018 - both are pipes
        try:
            self.popen.stdin.write(json.dumps(order) + "\n")
            self.popen.stdin.flush()
        except BrokenPipeError as error:
            raise self.fail(f"{self.log.stem} ended before the order {order}") from error
        line = self.popen.stdout.readline()
        if not line:
            raise self.fail(f"{self.log.stem} did not answer the order {order}")
        answer: dict[str, Any] = json.loads(line)
        return answer


class Valkey(Process):
    """A server of its own, set up as `make run` does; `durable=False` leaves the append-only file out."""

    def __init__(self, name: str, folder: Path, *, durable: bool = True) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        data = folder / name
        data.mkdir()
        options = {"port": self.port, "bind": "127.0.0.1", "dir": data, "save": "", "maxclients": 20_000,
                   "appendonly": "yes" if durable else "no", "appendfsync": "everysec"}
        words = [word for key, value in options.items() for word in (f"--{key}", str(value))]
        super().__init__(name, [str(valkey_binary()), *words], folder, {})
        self.client = redis.Redis(port=self.port)
        wait_for_port(self.port, self)

    def stop(self) -> None:
        """Hang up and end it."""
        self.client.close()
        super().stop()


def wait_for_port(port: int, process: Process) -> None:
    """Until something listens on `port`."""
    ends_at = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < ends_at and process.popen.poll() is None:
        with ExitStack() as attempt:
            try:
                attempt.enter_context(socket.create_connection(("127.0.0.1", port), 1))
            except OSError:
                time.sleep(0.02)
                continue
            return
    raise process.fail(f"nothing listens on port {port}")


def agent(folder: Path) -> tuple[Process, str]:
    """The dummy agent and its address, to which `/<delay_ms>` is added."""
    port = free_port()
    process = Process("agent", [sys.executable, "-m", "bench.agent", str(port)], folder, {})
    wait_for_port(port, process)
    return process, f"http://127.0.0.1:{port}"
