"""URLs and addresses in settings: what is refused, and what is shown of the store's."""

import pytest

from core.addresses import networks, shown_url, without_access
from core.settings import Settings

SECRET = "s3cret"


@pytest.mark.parametrize(("url", "shown"), [
    ("redis://127.0.0.1:6390/0", "redis://127.0.0.1:6390"),
    (f"redis://:{SECRET}@host:6379/0", "redis://host:6379"),
    (f"rediss://ann:{SECRET}@host/3?password={SECRET}", "rediss://host"),
    (f"redis://ann:p@{SECRET}@host:1", "redis://host:1"),
    (f"sentinel://ann:{SECRET}@one:1,two/main/3", "sentinel://one:1,two:26379/main/3")])
def test_of_a_store_s_url_neither_user_nor_password_nor_option_is_shown(url: str, shown: str) -> None:
    assert shown_url(url) == shown
    assert Settings(_env_file=None, redis_url=url).redis_url == url  # type: ignore[call-arg]


@pytest.mark.parametrize(("url", "bare", "access"), [
    ("redis://host:1/2?socket_timeout=3", "redis://host:1/2?socket_timeout=3", {}),
    ("rediss://ann:p%40ss@host/2", "rediss://host/2", {"username": "ann", "password": "p@ss"}),
    ("redis://:p%2Fss@host", "redis://host", {"password": "p/ss"})])
def test_a_store_s_url_and_its_access_are_taken_apart(url: str, bare: str, access: dict[str, str]) -> None:
    assert without_access(url) == (bare, access)


@pytest.mark.parametrize("url", [
    f"redis://:{SECRET}/x@host:6379/0", f"redis://:{SECRET}#x@host:6379/0", f"redis://:{SECRET}?x@host:6379/0",
    f"redis://:1/{SECRET}@host", f"redis://[{SECRET}]x@host", f"sentinel://ann:{SECRET}/x@one:1/main",
    f"sentinel://one:{SECRET}/main"])
def test_a_password_that_a_url_is_cut_at_is_refused_and_not_quoted(url: str) -> None:
    with pytest.raises(ValueError, match="redis_url") as refused:
        Settings(_env_file=None, redis_url=url)  # type: ignore[call-arg]
    assert "%2F" in str(refused.value)
    assert SECRET not in str(refused.value)


def test_proxies_are_addresses_and_networks() -> None:
    assert [str(one) for one in networks("10.0.0.0/8, ::1,127.0.0.1")] == ["10.0.0.0/8", "::1/128", "127.0.0.1/32"]
    assert networks("") == ()


@pytest.mark.parametrize("proxies", ["*", "proxy.example", "10.0.0.1/8", "127.0.0.1;::1"])
def test_what_is_no_address_is_refused_with_its_name(proxies: str) -> None:
    with pytest.raises(ValueError, match="trusted_proxies"):
        Settings(_env_file=None, trusted_proxies=proxies)  # type: ignore[call-arg]
