"""From samples to gates, and onto the page."""

from dataclasses import replace

from bench import chart, report, tables
from bench.commands import Commands
from bench.contenders import PROFILES, Contender
from bench.inflight import Held, capacity
from bench.outcome import Figures, figures, marks
from bench.processes import Memory
from bench.report import BEGIN, END, with_figures
from bench.rounds import Samples
from bench.stored import Stored

SPEED = {Contender.BATON: 160.0, Contender.BATON_BROKER: 105.0, Contender.BATON_SILENT: 200.0,
         Contender.THREAD_SAFE: 100.0, Contender.DEFAULT: 50.0, Contender.DIRECT: 700.0}


def samples(per_s: float) -> Samples:
    """Two rounds, the second on a machine half as fast."""
    return Samples([[1000 / per_s] * 10, [2000 / per_s] * 10], [per_s, per_s / 2], [{"asker": 1.0, "worker": 4.0}] * 2,
                   [20.0, 30.0])


def found() -> dict[Contender, Figures]:
    taken = {one: samples(per_s) for one, per_s in SPEED.items()}
    alone = taken[Contender.DIRECT], taken[Contender.THREAD_SAFE]
    queued = {"commands": Commands(30.0, 100.0, {"EVALSHA": 7.0}), "worker": Memory(88.0, 69.0),
              "tries": (Held(100, 1.0, 1.05, 80, 70), Held(300, 1.0, 1.2, 90, 80))}
    plain = {"commands": None, "worker": None, "tries": None}
    return {one: figures(profile.title, taken[one], *alone, **(queued if profile.app else plain))
            for one, profile in PROFILES.items()}


STORED = [Stored(1_000, transition_us=200.0, cancel_us=150.0, read_us=100.0, page_by_time_us=2_000.0,
                 page_by_status_us=2_000.0, search_us=9_000.0, bytes_each=6_000.0, bytes_of_outputs=3_000),
          Stored(1_000_000, transition_us=230.0, cancel_us=151.0, read_us=130.0, page_by_time_us=4_000.0,
                 page_by_status_us=20_500.0, search_us=90_000.0, bytes_each=6_000.0, bytes_of_outputs=3_000)]


def test_figures_are_medians_and_ratios_are_of_pairs() -> None:
    baton = found()[Contender.BATON]
    assert (baton.workflows_per_s, baton.to_thread_safe) == (120.0, 1.6)
    assert (baton.alone_p50_ms, baton.alone_p99_ms) == (6.25, 12.5)
    assert (baton.cpu_total_ms, baton.reads, baton.in_flight) == (5.0, 25.0, 100)


def test_each_gate_is_met_or_not_by_what_was_measured() -> None:
    met = {(mark.what, mark.wanted): mark.met for mark in marks(found(), STORED) if mark.is_gate}
    assert met == {
        ("workflows/s, handoff off, to thread-safe Celery", ">= 1"): True,
        ("workflows/s to thread-safe Celery", ">= 1.4"): True,
        ("ms alone over direct calls, as thread-safe Celery", "<= 12.86"): True,
        ("Valkey commands a workflow", "<= 45"): True,
        ("transition at 1,000,000 stored, to 1,000", "<= 1.2"): True,
        ("cancel at 1,000,000 stored, to 1,000", "<= 1.2"): True,
        ("status read at 1,000,000 stored, to 1,000", "<= 1.2"): False,
        ("ms for a page of a list at 1,000,000 stored", "<= 20"): False,
        ("bytes of a finished workflow beside its outputs", "<= 4096"): True,
    }
    assert {mark.what: mark.measured for mark in marks(found(), [])}["workflows/s with task events to without"] == 0.8
    slower = {**found(), Contender.BATON: replace(found()[Contender.BATON], to_thread_safe=1.39)}
    assert [mark.met for mark in marks(slower, []) if mark.is_gate and mark.wanted == ">= 1.4"] == [False]


def test_capacity_is_what_was_held_in_time() -> None:
    assert capacity([Held(50, 1, 1.3, 0, 0), Held(50, 1, 1.1, 0, 0), Held(100, 1, 1.11, 0, 0)]) == 50
    assert capacity([Held(50, 1, 1.3, 0, 0)]) == 0


def test_the_page_keeps_all_but_its_figures() -> None:
    run = report.Run({"rounds": 7}, found(), STORED, marks(found(), STORED))
    page = f"# Title\n\n{BEGIN}old figures\n{END}\nThe rest.\n"
    made = with_figures(page, run.as_json(), [tables.contenders(run.contenders.values()), tables.marks(run.marks)])
    assert made.startswith(f"# Title\n\n{BEGIN}Measured at commit `")
    assert made.endswith(f"{END}\nThe rest.\n")
    assert "| to thread-safe Celery | 1.60 x | 1.05 x | 2.00 x | 1.00 x | 0.50 x | 7.00 x |" in made
    assert "old figures" not in made
    assert with_figures(made, run.as_json(), []).count(BEGIN) == 1


def test_the_chart_is_a_picture() -> None:
    assert chart.draw(found().values()).startswith(b"\x89PNG\r\n")
