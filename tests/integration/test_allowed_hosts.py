"""An API that goes by other names than this machine's (ALLOWED_HOSTS), as `make run` starts it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from core.settings import Settings
from deploy import probe
from deploy.client import ApiClient, RefusedError
from deploy.local.children import Child, children, host_of_api, local_url
from tests.processes import LocalProcess, LocalValkey, free_ports

NAME = "baton.example"
UNSET = {"API_KEYS_FILE": "", "DATA": "", "TRUSTED_PROXIES": "127.0.0.1,::1"}


class ApiOfMakeRun(LocalProcess):
    """Its command and its probe are those of `make run`."""

    def __init__(self, folder: Path, redis_url: str) -> None:
        (port,) = free_ports(1)
        environment = {**UNSET, "REDIS_URL": redis_url, "ALLOWED_HOSTS": f"Baton.Example, {NAME}.org",
                       "API_PORT": str(port)}
        self.settings = Settings(**{name.lower(): value for name, value in environment.items()})  # type: ignore[arg-type]
        self.child: Child = next(child for child in children(self.settings) if child.name == "api")
        self.url = local_url(self.settings, port)
        super().__init__(self.child.command, folder, environment)

    def up(self) -> bool:
        return not self.child.probe()


@pytest.fixture(scope="module")
def api(valkey: LocalValkey, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiOfMakeRun]:
    one = ApiOfMakeRun(tmp_path_factory.mktemp("api"), valkey.url)
    try:
        one.ready()
        yield one
    finally:
        one.discard()


def test_make_run_finds_it_ready_and_the_container_s_probe_finds_it_alive(api: ApiOfMakeRun) -> None:
    assert api.child.probe() == ""
    assert probe.http(f"{api.url}/health/live") == ""
    assert "421" in probe.http(f"{api.url}/health/ready")


def test_the_shell_s_client_calls_it_by_its_name(api: ApiOfMakeRun) -> None:
    with ApiClient(api.url, host=host_of_api(api.settings)) as client:
        assert client._send("GET", "/api/workflow").ok
    with ApiClient(api.url) as client, pytest.raises(RefusedError, match="ALLOWED_HOSTS"):
        client._send("GET", "/api/workflow")


@pytest.mark.parametrize("host", ["evil.example", "localhost", "127.0.0.1", f"{NAME}.evil.example", f"x.{NAME}"])
def test_under_another_name_it_says_that_it_lives_and_nothing_else(api: ApiOfMakeRun, host: str) -> None:
    def status(path: str, name: str) -> int:
        return requests.get(api.url + path, headers={"Host": name}, timeout=10).status_code

    for path in ("/", "/api/workflow", "/health/ready", "/health/live/", "/health/live/x", "/api/openapi.json"):
        assert status(path, host) == 421, path
    assert status("/health/live", host) == 200
    assert status("/api/workflow", NAME) == status("/api/workflow", f"{NAME}.org:443") == 200


@pytest.mark.parametrize("told", ["203.0.113.9", "unknown", "203.0.113.9, 127.0.0.1", "127.0.0.1, 203.0.113.9"])
def test_without_keys_a_proxy_s_client_from_elsewhere_is_not_served(api: ApiOfMakeRun, told: str) -> None:
    reply = requests.get(f"{api.url}/api/workflow", headers={"Host": NAME, "X-Forwarded-For": told}, timeout=10)
    assert (reply.status_code, reply.json()["error_type"]) == (401, "unauthenticated")
