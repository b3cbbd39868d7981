"""One supervisord over stand-in processes: start, restart, give up, ordered stop, nothing left behind."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deploy.local.children import Child
from deploy.local.faults import ChildDiedError, NotReadyError, SupervisorGoneError
from deploy.local.startup import bring_up
from deploy.local.supervisord import Supervisord
from deploy.local.watch import keep_watch
from tests.processes import gone, wait_for
from tests.unit.deploy.stand_ins import dies, kill, lives, stubborn


@pytest.fixture
def supervisord(tmp_path: Path) -> Iterator[Supervisord]:
    with Supervisord(tmp_path / "baton") as running:
        yield running


def silent(child: Child, seconds: float) -> None:
    """A report nobody reads."""


def pids(supervisord: Supervisord) -> dict[str, int]:
    return {name: state.pid for name, state in supervisord.states().items()}


def restarted(supervisord: Supervisord, name: str, before: int) -> Callable[[], bool]:
    return lambda: pids(supervisord).get(name, 0) not in {0, before}


def test_everything_starts_and_stops_with_the_store_last(supervisord: Supervisord, tmp_path: Path) -> None:
    heard: list[str] = []
    bring_up(supervisord, [lives(tmp_path, "api"), lives(tmp_path, "store", stops_last=True), lives(tmp_path, "beat")],
             lambda child, seconds: heard.append(child.name))
    running = pids(supervisord)
    supervisord.stop()
    ended = {name: float((tmp_path / f"{name}.ended").read_text()) for name in running}
    assert heard[0] == "store"
    assert set(heard) == {"api", "beat", "store"}
    assert max(ended, key=ended.__getitem__) == "store"
    assert all(gone(pid) for pid in running.values())


def test_output_is_kept_in_a_file_of_its_own(supervisord: Supervisord, tmp_path: Path) -> None:
    bring_up(supervisord, [lives(tmp_path, "api")], silent)
    wait_for(lambda: supervisord.log_of("api").read_text() == "up\n", "the log line")


def test_a_killed_process_is_started_again_and_told_of(supervisord: Supervisord, tmp_path: Path) -> None:
    wanted = [lives(tmp_path, "api"), lives(tmp_path, "store", stops_last=True)]
    bring_up(supervisord, wanted, silent)
    before = pids(supervisord)["store"]
    notices: list[str] = []

    class EnoughError(Exception):
        """Both notices were heard."""

    def notice(line: str) -> None:
        notices.append(line)
        if len(notices) == 2:
            raise EnoughError

    killed = subprocess.Popen([sys.executable, "-c", f"import os, time; time.sleep(.5); os.kill({before}, 9)"])
    with pytest.raises(EnoughError):
        keep_watch(supervisord, wanted, notice)
    killed.wait()
    assert notices == [f"The store stand-in ended (was pid {before}).",
                       f"The store stand-in runs again (pid {pids(supervisord)['store']})."]


def test_a_process_that_dies_at_once_is_named_with_its_last_lines(supervisord: Supervisord, tmp_path: Path) -> None:
    with pytest.raises(ChildDiedError) as fault:
        bring_up(supervisord, [lives(tmp_path, "api"), dies("worker")], silent)
    assert str(fault.value).startswith("The worker stand-in keeps dying")
    assert str(supervisord.log_of("worker")) in str(fault.value)
    assert "no such luck" in str(fault.value)


def test_a_process_that_never_gets_ready_is_named(
        supervisord: Supervisord, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deploy.local.startup.START_LIMIT_S", 1.0)
    waiting = lives(tmp_path, "api")
    never = Child(waiting.name, waiting.title, waiting.command, (), lambda: "no answer on port 1")
    with pytest.raises(NotReadyError, match=r"The api stand-in is not ready after 1 s: no answer on port 1"):
        bring_up(supervisord, [never], silent)


def test_a_process_that_does_not_listen_is_killed(supervisord: Supervisord, tmp_path: Path) -> None:
    bring_up(supervisord, [stubborn(tmp_path, "worker")], silent)
    pid, begin = pids(supervisord)["worker"], time.monotonic()
    supervisord.stop()
    assert gone(pid)
    assert time.monotonic() - begin < 10


def test_nothing_outlives_a_killed_supervisor(supervisord: Supervisord, tmp_path: Path) -> None:
    wanted = [lives(tmp_path, "api"), lives(tmp_path, "store", stops_last=True), stubborn(tmp_path, "worker")]
    bring_up(supervisord, wanted, silent)
    running = pids(supervisord)
    kill(supervisord.pid)
    wait_for(lambda: all(gone(pid) for pid in running.values()), "the orphans to end")
    with pytest.raises(SupervisorGoneError, match="supervisord ended by itself"):
        keep_watch(supervisord, wanted, print)


def test_a_percent_sign_in_a_command_arrives_as_it_is(supervisord: Supervisord, tmp_path: Path) -> None:
    program = lives(tmp_path, "50%h")
    bring_up(supervisord, [Child("worker", "worker", program.command, (), program.probe)], silent)
    assert (tmp_path / "50%h.up").exists()


def test_a_long_folder_name_is_no_problem(tmp_path: Path) -> None:
    with Supervisord(tmp_path / ("deep" * 40)) as running:
        bring_up(running, [lives(tmp_path, "api")], silent)
        assert pids(running)["api"]


def test_a_start_after_a_kill_is_counted_anew(supervisord: Supervisord, tmp_path: Path) -> None:
    bring_up(supervisord, [lives(tmp_path, "api")], silent)
    for _ in range(3):
        before = pids(supervisord)["api"]
        kill(before)
        wait_for(restarted(supervisord, "api", before), "the restart")
