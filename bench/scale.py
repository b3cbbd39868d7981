"""`python -m bench.scale`: the figures of docs/scale.md, from what was measured; what is computed from it says how."""

import json
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from bench.report import BEGIN, END
from core.settings import ROOT

PAGE = ROOT / "docs" / "scale.md"
STEPS, DAY_S = 3, 86_400
BUSY = 0.7  # of a core: above it, waiting grows faster than work
Row = tuple[str, str, str]


def main() -> int:
    """Write the page's table."""
    before, _, rest = PAGE.read_text().partition(BEGIN)
    PAGE.write_text(before + BEGIN + table(*_measured()) + END + rest.partition(END)[2])
    return 0


def table(benchmarks: Mapping[str, Any], proof: Mapping[str, Any]) -> str:
    """Each figure, and where it is from."""
    rows = [*_of_workers(benchmarks), *_of_valkey(benchmarks), *_of_the_api(proof), *_of_deaths(proof)]
    lines = [f"| {what} | {figure} | {source} |" for what, figure, source in rows]
    return "\n".join(["| | | |", "|---|---:|---|", *lines]) + "\n"


def _of_workers(benchmarks: Mapping[str, Any]) -> Iterator[Row]:
    ours = benchmarks["contenders"]["baton"]
    worker_ms, held = ours["cpu_ms"]["worker"], ours["in_flight"]
    yield "workflows/s of one worker, all else on its 2 cores too", f"{ours['workflows_per_s']:.0f}", "measured"
    yield "processor time of a workflow in its worker", f"{worker_ms:.1f} ms", "measured"
    yield ("workflows/s of one worker that has a core for itself", f"{BUSY * 1000 / worker_ms:.0f}",
           f"computed: {BUSY:.0%} of a core / {worker_ms:.1f} ms")
    yield "workflows in flight in one worker, agents of 1 s", f"{held}", "measured: p95 within 10 %"
    yield ("workflows/s of one worker, agents of 1 s", f"{held / STEPS:.0f}",
           f"computed: {held} in flight / {STEPS} steps of 1 s")
    rss = next(one["worker_rss_mib"] for one in ours["tries"] if one["in_flight"] == held)
    yield f"memory of a worker with {held} calls in flight", f"{rss:.0f} MiB", "measured"


def _of_valkey(benchmarks: Mapping[str, Any]) -> Iterator[Row]:
    ours, stored = benchmarks["contenders"]["baton"], benchmarks["stored"][-1]
    commands, valkey_ms = ours["commands"]["from_clients"], ours["cpu_ms"]["valkey"]
    per_s = BUSY * 1000 / valkey_ms
    yield "commands of a workflow", f"{commands:.1f}", "measured"
    yield "processor time of a workflow in Valkey", f"{valkey_ms:.1f} ms", "measured"
    yield ("**workflows/s of one Valkey**, which is the bound of a cell", f"{per_s:.0f}",
           f"computed: {BUSY:.0%} of its one core / {valkey_ms:.1f} ms")
    outputs = stored["bytes_of_outputs"]
    yield (f"bytes of a finished workflow, {outputs:,} of outputs included", f"{stored['bytes_each']:,.0f}",
           "measured")
    yield ("memory of Valkey at 10 workflows/s, kept for a day", f"{10 * DAY_S * stored['bytes_each'] / 1e9:.1f} GB",
           "computed: 864,000 of them")
    slower = stored["transition_us"] / benchmarks["stored"][0]["transition_us"]
    yield f"a transition with {stored['workflows']:,} stored, to 1,000 stored", f"{slower:.2f} x", "measured"


def _of_the_api(proof: Mapping[str, Any]) -> Iterator[Row]:
    streams = proof["streams/open"]
    memory_mb = streams["figures"][0]["value"]
    count = streams["details"]["streams"]
    yield f"memory of an API process with {count:,} open streams", f"{memory_mb:.0f} MB", "measured"


def _of_deaths(proof: Mapping[str, Any]) -> Iterator[Row]:
    taken_s = proof["recovery/kill-gevent"]["figures"][0]["value"]
    yield "a worker killed -9: its steps run again after, p99", f"{taken_s:.1f} s", "measured"
    if failover := proof.get("failover/gevent"):
        away_s = next(one["value"] for one in failover["figures"] if one["unit"] == "s")
        source = "measured: sentinels that wait 1 s"
        yield "a primary killed -9: the next question is accepted after", f"{away_s:.1f} s", source


def _measured() -> tuple[Any, Any]:
    docs = ROOT / "docs"
    return json.loads((docs / "benchmarks.json").read_text()), json.loads((docs / "proof.json").read_text())


if __name__ == "__main__":
    sys.exit(main())
