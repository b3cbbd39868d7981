"""What a URL of sentinels says."""

import pytest

from core.sentinel import Watched
from core.settings import Settings


def test_a_url_that_names_a_server_is_none_of_ours():
    assert Watched.of("redis://127.0.0.1:6379/0") is None


def test_sentinels_name_database_and_access_are_read():
    watched = Watched.of("sentinel://ann:p%40ss@one:1,two/main/3?socket_timeout=0.5")
    assert watched.sentinels == (("one", 1), ("two", 26_379))
    assert (watched.name, watched.options) == ("main", {"socket_timeout": 0.5})
    assert watched.access == {"db": 3, "username": "ann", "password": "p@ss"}
    assert watched.broker_url == "sentinel://ann:p%40ss@one:1/3;sentinel://ann:p%40ss@two:26379/3"
    assert watched.shown == "sentinel://one:1,two:26379/main/3"
    assert "p@ss" not in repr(watched)


@pytest.mark.parametrize("url", ["sentinel://one:1", "sentinel:///main", "sentinel://one:x/main"])
def test_a_url_that_cannot_be_meant_stops_the_process_with_its_setting(url):
    with pytest.raises(ValueError, match="redis_url") as raised:
        Settings(redis_url=url)
    assert url not in str(raised.value)  # it may have a password
