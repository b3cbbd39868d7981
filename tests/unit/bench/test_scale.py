"""docs/scale.md quotes what was measured, and computes right."""

import json

from bench.report import BEGIN, END
from bench.scale import PAGE, table
from core.settings import ROOT


def measured(name):
    return json.loads((ROOT / "docs" / name).read_text())


def test_the_page_has_the_figures_that_were_measured_last():
    quoted = PAGE.read_text().partition(BEGIN)[2].partition(END)[0]
    assert quoted == table(measured("benchmarks.json"), measured("proof.json")), "run: python -m bench.scale"


def test_what_is_computed_follows_from_what_was_measured():
    benchmarks = measured("benchmarks.json")
    benchmarks["contenders"]["baton"]["cpu_ms"].update(worker=7.0, valkey=2.0)
    benchmarks["contenders"]["baton"]["in_flight"] = 150
    benchmarks["stored"][-1]["bytes_each"] = 10_000
    text = table(benchmarks, measured("proof.json"))
    assert "| workflows/s of one worker that has a core for itself | 100 | computed: 70% of a core / 7.0 ms |" in text
    assert "| 350 | computed: 70% of its one core / 2.0 ms |" in text
    assert "| workflows/s of one worker, agents of 1 s | 50 | computed: 150 in flight / 3 steps of 1 s |" in text
    assert "| 8.6 GB | computed: 864,000 of them |" in text
