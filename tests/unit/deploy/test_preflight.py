"""What is found wrong before anything starts."""

import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from core.settings import Settings
from deploy.local.children import Child, children
from deploy.local.faults import AlreadyRunningError, MissingModuleError, PortInUseError, SamePortError
from deploy.local.preflight import check, folder_lock

LOOPBACK = "127.0.0.1"


def server(title: str, port: int, module: str = "json") -> Child:
    return Child(title.lower(), title, (), (module,), lambda: "", port, f"{title.upper()}_PORT")


@pytest.fixture
def taken() -> Iterator[int]:
    with closing(socket.socket()) as listening:
        listening.bind((LOOPBACK, 0))
        listening.listen()
        yield listening.getsockname()[1]


def free() -> int:
    with closing(socket.socket()) as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def test_a_port_in_use_is_named_with_its_setting_and_a_way_out(taken: int) -> None:
    with pytest.raises(PortInUseError) as fault:
        check([server("API", taken)], LOOPBACK)
    other = taken + 10 if taken + 10 <= 65535 else taken - 10
    assert str(fault.value) == (
        f"Port {taken} (API) is in use. Set API_PORT to a free one: API_PORT={other} make run")


def test_one_port_for_two_is_refused() -> None:
    port = free()
    with pytest.raises(SamePortError, match=f"Port {port} is given to both API and Flower. Set FLOWER_PORT"):
        check([server("API", port), server("Flower", port)], LOOPBACK)


@pytest.mark.parametrize("module", ["no_such_module", "no_such_package.__main__", "core.no_such_part"])
def test_a_missing_module_is_named(module: str) -> None:
    with pytest.raises(MissingModuleError, match=rf"^Module {module} \(API\) is missing\. Install .*make run$"):
        check([server("API", free(), module)], LOOPBACK)


def test_free_ports_and_present_modules_pass() -> None:
    check([server("API", free())], LOOPBACK)


def test_a_folder_serves_one_start_at_a_time(tmp_path: Path) -> None:
    with folder_lock(tmp_path), pytest.raises(AlreadyRunningError, match="BATON_DIR"), folder_lock(tmp_path):
        pass
    with folder_lock(tmp_path):
        pass


def settings(tmp_path: Path, **values: str) -> Settings:
    return Settings(baton_dir=tmp_path, **{"redis_url": "", **values})  # type: ignore[arg-type]


def test_the_store_alone_stops_last(tmp_path: Path) -> None:
    assert [child.name for child in children(settings(tmp_path)) if child.stops_last] == ["valkey"]


def test_a_store_elsewhere_is_not_embedded(tmp_path: Path) -> None:
    names = [child.name for child in children(settings(tmp_path, redis_url="redis://127.0.0.1:1/0"))]
    assert names == ["nlp", "data", "viz", "worker", "beat", "flower", "api"]


def test_an_agent_elsewhere_is_not_started(tmp_path: Path) -> None:
    names = [child.name for child in children(settings(tmp_path, data_agent_url="http://127.0.0.1:1"))]
    assert names == ["valkey", "nlp", "viz", "worker", "beat", "flower", "api"]
