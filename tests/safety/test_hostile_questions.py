"""Questions that mean harm: odd characters, and floods. The API is real; no worker runs, so whatever is taken stays."""

import asyncio
from collections import Counter
from collections.abc import Iterator

import httpx
import psutil
import pytest

from core.settings import get_settings
from state import keys
from tests.chaos.arena import LocalApi
from tests.processes import LocalValkey

QUEUE_MAX, MANY, AT_ONCE = 50, 1_000, 40
GROWTH_MAX_BYTES = 100 * 1024 * 1024
TEXTS = {
    "SQL": "'; DROP TABLE flights; --",
    "HTML": "<script>alert(1)</script>",
    "a template": "{{ 7 * 7 }} ${7*7} #{7*7}",
    "a shell": "$(rm -rf /) `id` | cat /etc/passwd",
    "a path": "../../../../etc/passwd",
    "Lua": "]] redis.call('FLUSHALL')",
    "NUL": "how\0many",
    "control characters": "".join(map(chr, range(1, 32))) + "\x7f\x9b31m",
    "escapes": "\x1b[2J\x1b]0;x\x07",
    "right to left": "\u202eyb syalp erutraped\u202c",
    "nothing seen": "\u200b\u200c\u200d\ufeff\u2060",
    "stacked marks": "Z" + "\u0301" * 500,
    "emoji": "\U0001f468\u200d\U0001f469\u200d\U0001f467 flights \U0001f6eb",
    "Chinese": "\u6709\u591a\u5c11\u822a\u73ed",
    "Arabic": "\u0643\u0645 \u0639\u062f\u062f \u0627\u0644\u0631\u062d\u0644\u0627\u062a",
    "look-alikes": "h\u043ew m\u0430ny flights",
    "wide signs": "\uff1d\uff23\uff2d\uff24",
    "no characters": "\ufffe\uffff\ufdd0",
    "the last planes": "\U000e0001\U0010fffd",
    "line ends": "a\nb\r\nc\u2028d\u2029e\x85f",
    "a log line": "x\n2026-01-01 [info] forged",
    "the longest": "\U0001f6eb" * 2_000,
    "a formula": "=HYPERLINK(\"http://x\")",
    "JSON": '{"sql_query": "SELECT 1"}',
    "separators of ours": "a|b.c:d,e/f\x1fg",
    "a format": "%s%n%x {0.__class__}",
    "a name of ours": "baton:due",
}


@pytest.fixture(scope="module")
def api(valkey: LocalValkey, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalApi]:
    one = LocalApi(tmp_path_factory.mktemp("api"), {"REDIS_URL": valkey.url, "DATA": "", "QUEUE_MAX": str(QUEUE_MAX)})
    try:
        one.ready()
        yield one
    finally:
        one.teardown()


@pytest.fixture(autouse=True)
def empty(valkey: LocalValkey) -> None:
    valkey.client.flushdb()


@pytest.mark.parametrize("kind", TEXTS)
def test_any_text_is_a_question_or_refused_with_a_reason(api: LocalApi, valkey: LocalValkey, kind: str) -> None:
    text = TEXTS[kind]
    reply = httpx.post(f"{api.url}/api/query", json={"query": text}, headers={"Prefer": "respond-async"}, timeout=20)
    if reply.status_code != 202:
        assert (reply.status_code, reply.json()["error_type"]) == (422, "invalid_request"), reply.text
        assert valkey.client.zcard(keys.BY_TIME) == 0
        return
    workflow_id = reply.json()["workflow_id"]
    assert httpx.get(f"{api.url}/api/workflow/{workflow_id}", timeout=20).json()["query"].strip() == text.strip()
    for page in (f"/ask/{workflow_id}", f"/workflows/{workflow_id}", "/workflows"):
        shown = httpx.get(api.url + page, timeout=20)
        assert shown.status_code == 200
        assert "<script>alert(1)" not in shown.text
    assert "\x1b" not in api.logs()


@pytest.mark.parametrize("path", ["/api/query", "/api/workflow"])
def test_a_question_that_is_too_long_is_refused_and_not_recorded(api: LocalApi, valkey: LocalValkey, path: str) -> None:
    longest = get_settings().query_max_chars
    reply = httpx.post(api.url + path, json={"query": "x" * (longest + 1)}, timeout=20)
    assert (reply.status_code, reply.json()["error_type"]) == (422, "invalid_request")
    assert str(longest) in reply.text
    assert valkey.client.zcard(keys.BY_TIME) == 0


def test_a_flood_is_refused_and_leaves_nothing_behind(api: LocalApi, valkey: LocalValkey) -> None:
    async def flood() -> Counter[int]:
        bound = asyncio.Semaphore(AT_ONCE)
        statuses: Counter[int] = Counter()
        async with httpx.AsyncClient(base_url=api.url, timeout=60) as client:
            async def ask(number: int) -> None:
                async with bound:
                    reply = await client.post("/api/workflow", json={"query": f"flood {number}"})
                    statuses[reply.status_code] += 1
                    assert reply.status_code == 202 or reply.json()["error_type"] == "queue_full"
            await asyncio.gather(*(ask(number) for number in range(MANY)))
        return statuses

    process = psutil.Process(api.process.pid)
    before = process.memory_info().rss
    statuses = asyncio.run(flood())
    assert set(statuses) == {202, 429}
    assert QUEUE_MAX <= statuses[202] <= QUEUE_MAX + AT_ONCE  # those on their way are in no queue yet
    assert valkey.client.zcard(keys.BY_TIME) == statuses[202]
    assert len(list(valkey.client.scan_iter(f"{keys.record('*')}", count=1_000))) <= 3 * statuses[202]
    assert process.memory_info().rss - before < GROWTH_MAX_BYTES
    valkey.client.delete("agents.nlp")
    assert httpx.post(f"{api.url}/api/workflow", json={"query": "after it"}, timeout=20).status_code == 202
