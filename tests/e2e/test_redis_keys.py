"""docs/redis-keys.md against the keys a running system really has."""

import re

import redis
import requests

from core.settings import ROOT
from tests.processes import wait_for

PAGE = (ROOT / "docs" / "redis-keys.md").read_text()
ROW = re.compile(r"^\| (?P<keys>`[^|]+) \| (?P<type>\w+) \| (?P<ttl>[^|]+) \|", re.MULTILINE)


def documented():
    """(pattern, type, whether it never expires) of each key in the table."""
    for row in ROW.finditer(PAGE):
        for key in re.findall(r"`([^`]+)`", row["keys"]):
            pattern = re.escape(key).replace("<id>", "[0-9a-f]{32}").replace("<STATUS>", "[A-Z]+").replace(r"\*", ".*")
            yield re.compile(pattern), row["type"], row["ttl"].strip() == "none"


def test_every_key_is_documented_with_its_type_and_expiry(system):
    for question in ("average departure delay by carrier", "how many sandwiches were eaten"):
        requests.post(f"{system.base_url}/api/query", json={"query": question}, timeout=60)
    client = redis.Redis.from_url(system.redis_url, decode_responses=True)
    wait_for(lambda: client.exists("baton:health"), "a health check", 30)
    table = list(documented())
    assert len(table) > 12
    seen = set()
    for key in client.scan_iter(count=1000):
        kind, ttl = client.type(key), client.ttl(key)
        rows = [row for row in table if row[0].fullmatch(key)]
        assert rows, f"{key} ({kind}) is not in docs/redis-keys.md"
        pattern, expected, for_ever = rows[0]
        seen.add(pattern.pattern)
        if kind != "none":  # it may have gone since
            assert expected in (kind, "several"), f"{key} is a {kind}"
            assert not (for_ever and ttl > 0), f"{key} expires in {ttl} s"
    client.close()
    assert {r"baton:wf:[0-9a-f]{32}", r"baton:due", r"baton:by-time", r"celery-task-meta-[0-9a-f]{32}"} & seen
