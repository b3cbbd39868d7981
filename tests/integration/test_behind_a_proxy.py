"""An API with keys behind a proxy with TLS: whom it believes, and that a key is out when its file is replaced."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests
from requests.adapters import HTTPAdapter

from api.access.headers import ONLY_TLS
from api.access.keys import add_key, new_key
from api.access.logins import COOKIE
from api.access.roles import Role
from tests.chaos.arena import LocalApi
from tests.processes import LocalValkey, wait_for

PROXY, ANOTHER = "127.0.0.2", "127.0.0.1"  # the second would be believed by default
SECOND_LOOK_S = 5.0


@dataclass(frozen=True)
class Guarded:
    """The API, the file of its keys, and the keys it was given."""

    api: LocalApi
    file: Path
    keys: dict[str, str]


@pytest.fixture(scope="module")
def guarded(valkey: LocalValkey, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    folder = tmp_path_factory.mktemp("guarded")
    file, keys = folder / "keys", {}
    for name in ("stays", "leaves"):
        key, keys[name] = new_key(name, Role.READ)
        add_key(file, key)
    api = LocalApi(folder, {"REDIS_URL": valkey.url, "DATA": "", "API_KEYS_FILE": str(file), "FLOWER_BASIC_AUTH": "a:b",
                            "TRUSTED_PROXIES": f"10.0.0.0/8, {PROXY}", "RATE_LIMIT": "1000/hour"})
    try:
        api.ready()
        yield Guarded(api, file, keys)
    finally:
        api.discard()


def from_address(address: str) -> requests.Session:
    session = requests.Session()
    adapter = HTTPAdapter()
    adapter.init_poolmanager(1, 1, source_address=(address, 0))
    session.mount("http://", adapter)
    return session


def logged_in(guarded: Guarded, peer: str, client: str) -> requests.Response:
    """A login as a proxy passes it on, which `peer` says to be, of `client` over TLS."""
    with from_address(peer) as session:
        return session.post(f"{guarded.api.url}/login", data={"key": guarded.keys["stays"]}, timeout=10,
                            headers={"X-Forwarded-Proto": "https", "X-Forwarded-For": client}, allow_redirects=False)


def test_who_comes_over_tls_by_a_proxy_gets_a_secure_cookie_and_is_kept_to_it(guarded: Guarded) -> None:
    reply = logged_in(guarded, PROXY, "203.0.113.1")
    assert reply.status_code == 303
    assert f"{COOKIE}=" in reply.headers["Set-Cookie"]
    assert "; secure" in reply.headers["Set-Cookie"].lower()
    assert reply.headers["Strict-Transport-Security"] == ONLY_TLS


def test_nobody_else_is_believed(guarded: Guarded) -> None:
    reply = logged_in(guarded, ANOTHER, "203.0.113.1")
    assert reply.status_code == 303
    assert "; secure" not in reply.headers["Set-Cookie"].lower()
    assert "Strict-Transport-Security" not in reply.headers


def test_logins_are_counted_for_the_address_that_a_proxy_tells(guarded: Guarded) -> None:
    def left(peer: str, client: str) -> int:
        return int(logged_in(guarded, peer, client).headers["RateLimit-Remaining"])

    assert left(PROXY, "203.0.113.7") == left(PROXY, "203.0.113.8") == 999
    assert left(PROXY, "203.0.113.7") == 998
    assert left(ANOTHER, "203.0.113.98") > left(ANOTHER, "203.0.113.99"), "one address, whatever it says"


def test_a_key_whose_file_is_replaced_is_out_within_seconds(guarded: Guarded) -> None:
    def answered(name: str) -> int:
        headers = {"Authorization": f"Bearer {guarded.keys[name]}"}
        return requests.get(f"{guarded.api.url}/api/workflow", headers=headers, timeout=10).status_code

    assert answered("leaves") == 200
    other = guarded.file.with_suffix(".new")
    lines = guarded.file.read_text().splitlines(keepends=True)
    other.write_text("".join(line for line in lines if '"leaves"' not in line))
    other.replace(guarded.file)  # another file under the name, as an editor or `sed -i` does it
    wait_for(lambda: answered("leaves") == 401, "the key to be out", SECOND_LOOK_S)
    assert answered("stays") == 200
