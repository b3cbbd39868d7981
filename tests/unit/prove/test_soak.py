"""What a soak concludes from its looks, and how it is shown."""

from prove.soak_report import draw, figures
from tests.chaos.soak import Sample, growth_per_1000


def sample(ended: int, mb: float) -> Sample:
    return Sample(0.0, ended, {"API": mb}, 0.0, 0, {})


def test_growth_is_told_by_thousand_workflows_and_without_the_warm_up() -> None:
    warm_up = [sample(number, 50.0 * number) for number in range(10)]
    steady = [sample(1_000 + 100 * number, 500.0 + 0.2 * number) for number in range(20)]
    assert round(growth_per_1000([*warm_up, *steady], lambda one: one.rss_mb["API"]), 6) == 2.0


def test_flat_memory_has_no_growth_whatever_its_size() -> None:
    assert growth_per_1000([sample(number, 500.0) for number in range(30)], lambda one: one.rss_mb["API"]) == 0.0


def test_the_page_tells_what_was_missed_and_the_chart_fits_any_background() -> None:
    times = {"p50_ms": 10, "p95_ms": 20, "p99_ms": 30}
    minutes = [{"API_mb": 1.0, "minute": number, **times, "valkey_mb": 2.0, "workflows": 5}
               for number in (1, 2)]
    proof = {"commit": "c", "seed": 1, "machine": {"cores": 2, "memory_gb": 8, "python": "3.12"},
             "details": {"capacity_per_s": 10, "per_s": 7, "minutes": minutes},
             "figures": [{"name": "stuck", "kind": "gate", "better": "lower", "bound": 0, "unit": "", "value": 3,
                          "met": False}]}
    page = figures(proof)
    assert "| stuck | gate | <= 0  | 3  | **no** |" in page
    assert "| 2 | 5 | 1.0 | 10 | 20 | 30 | 2.0 |" in page
    chart = draw(minutes)
    assert chart.startswith("<svg")
    assert "#7d8590" in chart
    assert 'fill="white"' not in chart
