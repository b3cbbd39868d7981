"""Which doors may stand open: on this machine those without keys, beyond it none."""

import pytest

from core.exposure import Door, OpenDoor, check_doors, is_loopback
from core.settings import Settings

CLOSED = {"api_keys_file": "keys", "agent_key": "secret", "flower_basic_auth": "ann:secret"}


def settings(**values):
    return Settings(_env_file=None, **{**dict.fromkeys(CLOSED, ""), **values})


@pytest.mark.parametrize(("host", "near"), [
    ("127.0.0.1", True), ("127.1.2.3", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("::", False),  # noqa: S104
    ("10.0.0.1", False), ("", False), ("localhost.example.org", False), ("example.org", False)])
def test_what_only_this_machine_reaches(host, near):
    assert is_loopback(host) is near


def test_on_this_machine_no_key_is_asked_for():
    check_doors(settings(bind_host="127.0.0.1"), *Door)


def test_beyond_it_each_open_door_is_named_with_what_closes_it():
    with pytest.raises(OpenDoor) as refused:
        check_doors(settings(bind_host="0.0.0.0", agent_key="secret"), *Door)  # noqa: S104
    assert "BIND_HOST is 0.0.0.0" in str(refused.value)
    assert all(part in str(refused.value) for part in ("API_KEYS_FILE", "make key", "FLOWER_BASIC_AUTH"))
    assert "AGENT_KEY" not in str(refused.value)
    check_doors(settings(bind_host="0.0.0.0", **CLOSED), *Door)  # noqa: S104


def test_flower_is_closed_where_the_api_is():
    with pytest.raises(OpenDoor, match="FLOWER_BASIC_AUTH"):
        check_doors(settings(bind_host="127.0.0.1", api_keys_file="keys"), *Door)


def test_without_keys_no_proxy_beyond_this_machine_is_believed():
    with pytest.raises(OpenDoor, match=r"TRUSTED_PROXIES.*API_KEYS_FILE"):
        check_doors(settings(trusted_proxies="127.0.0.1,10.0.0.1"), Door.API)
    check_doors(settings(trusted_proxies="127.0.0.0/8,::1"), Door.API)
    check_doors(settings(trusted_proxies="10.0.0.0/8", **CLOSED), Door.API)


def test_no_secret_shows_in_the_settings_text():
    shown = repr(settings(**CLOSED, api_key="canary", redis_url="redis://:canary@host"))
    assert "secret" not in shown
    assert "canary" not in shown
