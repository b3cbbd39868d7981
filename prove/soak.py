"""Soak: ten minutes at 70 % of the capacity measured in the minute before, with faults on."""

from functools import partial
from typing import Any

from prove.proof import Figure, Kind, Part, Result, Run
from tests.chaos.soak import Sizes, Soaked, growth_per_1000, run_soak
from tests.chaos.traces import percentile

CAPACITY_S, SOAK_S, KILL_EVERY_S, MINUTE_S = 60.0, 600.0, 60.0, 60.0
FLAT_MB, SLOWER, STORED_KB = 1.0, 1.5, 12.0
ENTRIES = 2_000  # 91 buckets a time, 17 times (attempts by agent and status, steps, workflows), and some hundred counts


def soak(run: Run) -> Result:
    """One run; a trial is shorter in everything, its minutes too."""
    scale = max(run.scale, 0.05)
    sizes = Sizes(CAPACITY_S * max(scale, 0.2), SOAK_S * scale, KILL_EVERY_S * max(scale, 0.2))
    soaked = run_soak(run.folder, sizes, run.seed, run.note)
    for found in soaked.verdict.faults.values():
        run.note("; ".join(found[:5]))
    return Result([*_ends(soaked, sizes), *_growth(soaked), *_latency(soaked, sizes)], _details(soaked, sizes))


def _ends(soaked: Soaked, sizes: Sizes) -> list[Figure]:
    verdict = soaked.verdict
    final = sum(verdict.statuses.values())
    well = verdict.statuses["SUCCEEDED"] + verdict.statuses["DEGRADED"]
    return [
        Figure("accepted workflows in one final status", 100 * final / verdict.accepted, "%", 100, "higher"),
        Figure("faults (lost, illegal, out of time, due, leased, called twice)",
               sum(map(len, verdict.faults.values())), "", 0),
        Figure("workflows that were answered", 100 * well / verdict.accepted, "%", 99, "higher"),
        Figure("workflows", verdict.accepted, "", soaked.per_s * sizes.soak_s * 0.99, "higher"),
        Figure("workers killed", soaked.kills, "", sizes.soak_s // sizes.kill_every_s - 1, "higher"),
        Figure("restarts of Valkey", soaked.restarts, "", 1, "higher"),
        Figure("keys of ended workflows without an expiry, and entries of open ones", soaked.unexpiring
               + soaked.open_entries, "", 0),
        Figure("processes that ended without being killed", len(soaked.ended), "", 0),
    ]


def _growth(soaked: Soaked) -> list[Figure]:
    samples = soaked.samples
    found = [Figure(f"{name}: memory that it grows by with 1,000 workflows",
                    growth_per_1000(samples, lambda one, name=name: one.rss_mb[name]), "MB", FLAT_MB)  # type: ignore[misc]
             for name in samples[0].rss_mb]
    stored_kb = growth_per_1000(samples, lambda one: one.valkey_mb)
    return [*found, Figure("Valkey: memory of a stored workflow", stored_kb, "kB", STORED_KB),
            Figure("entries of counts, marks and snapshots", sum(samples[-1].bounded.values()), "", ENTRIES)]


def _latency(soaked: Soaked, sizes: Sizes) -> list[Figure]:
    first = [took for at_s, took in soaked.took if at_s < sizes.soak_s / 3]
    last = [took for at_s, took in soaked.took if at_s >= sizes.soak_s * 2 / 3]
    return [Figure(f"p{share * 100:.0f} of the last third to that of the first",
                   percentile(last, share) / percentile(first, share), "x", SLOWER, kind=kind)
            for share, kind in ((0.5, Kind.GATE), (0.95, Kind.GATE), (0.99, Kind.TARGET))]


def _details(soaked: Soaked, sizes: Sizes) -> dict[str, Any]:
    minute_s = MINUTE_S * sizes.soak_s / SOAK_S
    minutes = []
    for number in range(10):
        took = [took for at_s, took in soaked.took if at_s // minute_s == number]
        seen = [one for one in soaked.samples if one.at_s // minute_s == number]
        minutes.append({
            "minute": number + 1, "workflows": len(took),
            **{f"p{share * 100:.0f}_ms": round(1_000 * percentile(took, share)) for share in (0.5, 0.95, 0.99)},
            **{f"{name}_mb": round(max((one.rss_mb[name] for one in seen), default=0.0), 1)
               for name in soaked.samples[0].rss_mb},
            "valkey_mb": round(max((one.valkey_mb for one in seen), default=0.0), 1),
        })
    return {"capacity_per_s": round(soaked.capacity_per_s, 1), "per_s": round(soaked.per_s, 1),
            "statuses": {str(status): count for status, count in soaked.verdict.statuses.items()},
            "events": dict(soaked.verdict.events), "minutes": minutes}


PARTS = [Part("soak", "10-min", 1_800, partial(soak))]
