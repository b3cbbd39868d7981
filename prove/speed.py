"""Speed and size beside bare Celery, a million finished workflows stored: what `make bench STORED=1000000` measures."""

from dataclasses import replace

from rich.console import Console

from bench import report
from bench.__main__ import QUICK, Bench, Sizes
from bench.outcome import Figures, Mark
from prove.proof import Figure, Kind, Part, Result, Run

STORED = (1_000, 10_000, 100_000, 1_000_000)


def speed(run: Run) -> Result:
    """One run of the benchmark, published at full scale; below it a quick one, too short for its gates."""
    sizes = replace(Sizes(), stored=STORED) if run.scale == 1 else QUICK
    measured = Bench(sizes, run.folder, Console(highlight=False)).run()
    if run.scale == 1:
        report.publish(measured)
    contenders = {figures.title: side_by_side(figures) for figures in measured.contenders.values()}
    return Result([figure_of(mark) for mark in measured.marks], {"side_by_side": contenders})


def side_by_side(figures: Figures) -> dict[str, float | int | None]:
    """What is worth quoting of one contender."""
    return {"workflows_per_s": round(figures.workflows_per_s, 1), "to_thread_safe": round(figures.to_thread_safe, 3),
            "alone_p50_ms": round(figures.alone_p50_ms, 2), "alone_p95_ms": round(figures.alone_p95_ms, 2),
            "alone_p99_ms": round(figures.alone_p99_ms, 2), "in_flight": figures.in_flight}


def figure_of(mark: Mark) -> Figure:
    """A mark of the benchmark as a figure of a proof."""
    return Figure(mark.what, round(mark.measured, 3), "", mark.bound, "higher" if mark.at_least else "lower",
                  Kind.GATE if mark.is_gate else Kind.TARGET)


PARTS = [Part("speed", "bench", 1_800, speed)]
