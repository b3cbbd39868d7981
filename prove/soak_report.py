"""`python -m prove.soak_report`: write docs/soak.md and its chart from the newest full soak in docs/proof.json."""

import json
import sys
from typing import Any, Final

import altair as alt
import vl_convert as vlc

from core.settings import ROOT
from prove.proof import PROOFS

PAGE, CHART, PART = ROOT / "docs" / "soak.md", ROOT / "docs" / "images" / "soak.svg", "soak/10-min"
BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"
NEUTRAL: Final = "#7d8590"  # read on white and on black
COLOURS: Final = ["#2f81f7", "#d29922", "#8957e5", "#2da44e"]


def main() -> int:
    """Write both, or say what is missing."""
    proof = json.loads(PROOFS.read_text()).get(PART)
    if proof is None:
        print(f"docs/proof.json has no {PART}: run `make prove TOPIC=soak` on a quiet machine first.", file=sys.stderr)
        return 1
    before, _, rest = PAGE.read_text().partition(BEGIN)
    PAGE.write_text(f"{before}{BEGIN}\n{figures(proof)}\n{END}{rest.partition(END)[2]}")
    CHART.write_text(draw(proof["details"]["minutes"]))
    return 0


def figures(proof: dict[str, Any]) -> str:
    """The page's own part: gates, and what each minute gave."""
    details, machine = proof["details"], proof["machine"]
    head = (f"Measured at commit `{proof['commit']}` on {machine['cores']} cores, {machine['memory_gb']} GiB, Python "
            f"{machine['python']}, seed {proof['seed']}: capacity {details['capacity_per_s']} workflows/s, load "
            f"{details['per_s']} workflows/s.")
    rows = [_row(one) for one in proof["figures"]]
    first = ("minute", "workflows")
    names = [*first, *(name for name in details["minutes"][0] if name not in first)]
    minutes = ["| " + " | ".join(str(minute[name]) for name in names) + " |" for minute in details["minutes"]]
    return "\n".join([
        head, "", "![Latency and memory by minute](images/soak.svg)", "",
        "| | kind | wanted | measured | met |", "|---|---|---:|---:|---|", *rows, "",
        "| " + " | ".join(name.replace("_", " ") for name in names) + " |", "|" + "---:|" * len(names), *minutes])


def _row(figure: dict[str, Any]) -> str:
    wanted = f"{'<=' if figure['better'] == 'lower' else '>='} {figure['bound']:g} {figure['unit']}"
    measured, met = f"{figure['value']:.4g} {figure['unit']}", "yes" if figure["met"] else "**no**"
    return f"| {figure['name']} | {figure['kind']} | {wanted} | {measured} | {met} |"


def draw(minutes: list[dict[str, Any]]) -> str:
    """An SVG: latency above, memory below, a point a minute; without a background, for light pages and dark ones."""
    latency = _panel(minutes, {"p50": "p50_ms", "p95": "p95_ms"}, "from question to answer, ms")
    watched = {name.removesuffix("_mb"): name for name in minutes[0] if name.endswith("_mb")}
    memory = _panel(minutes, watched, "memory, MB")
    chart = (alt.vconcat(latency, memory).resolve_scale(color="independent")
             .configure(background="transparent").configure_view(stroke=None)
             .configure_axis(labelColor=NEUTRAL, titleColor=NEUTRAL, gridColor=NEUTRAL, gridOpacity=0.25,
                             domainColor=NEUTRAL, tickColor=NEUTRAL)
             .configure_title(color=NEUTRAL, anchor="start").configure_legend(labelColor=NEUTRAL, titleColor=NEUTRAL))
    return str(vlc.vegalite_to_svg(chart.to_json()))


def _panel(minutes: list[dict[str, Any]], lines: dict[str, str], title: str) -> Any:
    values = [{"minute": one["minute"], "what": what, "value": one[name]}
              for one in minutes for what, name in lines.items()]
    return alt.Chart(alt.InlineData(values=values)).mark_line(point=True).encode(
        x=alt.X("minute:O", title="minute", axis=alt.Axis(labelAngle=0)),
        y=alt.Y("value:Q", title=None, scale=alt.Scale(zero=True)),
        color=alt.Color("what:N", title=None, scale=alt.Scale(range=COLOURS), sort=list(lines)),
    ).properties(title=title, width=560, height=160)


if __name__ == "__main__":
    sys.exit(main())
