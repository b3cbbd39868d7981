import pytest

from agents.data.execution import Rows
from agents.data.result_cache import MAX_ENTRIES, MAX_ROWS, ResultCache


def rows(sql: str = "SELECT 1", count: int = 1) -> Rows:
    return Rows(columns=[], data=[{}] * count, truncated=False, sql=sql, processing_time_ms=1.0)


def test_an_answer_is_kept_until_others_push_it_out():
    cache, first = ResultCache(), rows()
    cache.put("q", first)
    for number in range(MAX_ENTRIES - 1):
        cache.put(f"q{number}", rows())
    assert cache.get("q") is first
    cache.put("one more", rows())
    assert cache.get("q") is first
    assert cache.get("q0") is None


def test_large_answers_are_not_kept():
    cache = ResultCache()
    cache.put("q", rows(count=MAX_ROWS + 1))
    assert cache.get("q") is None


@pytest.mark.parametrize(
    "sql",
    ["SELECT NOW()", "SELECT CURRENT_DATE", "SELECT x FROM t ORDER BY RANDOM()", "SELECT x FROM t USING SAMPLE 5",
     "SELECT x FROM t TABLESAMPLE SYSTEM (1 PERCENT)", "SELECT AGE(d) FROM t", "SELECT LOCALTIMESTAMP"],
)  # fmt: skip
def test_answers_that_change_are_not_kept(sql: str):
    cache = ResultCache()
    cache.put("q", rows(sql))
    assert cache.get("q") is None
