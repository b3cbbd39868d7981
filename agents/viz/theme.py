"""How charts look: one Vega-Lite config. Colours are those of Okabe and Ito, told apart with any colour vision."""

from typing import Any

BLUE = "#0072B2"
SERIES = [BLUE, "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#7A5195", "#5F5F5F"]
INK, MUTED, RULE = "#1a1d21", "#5b6470", "#e3e6ea"
WIDTH, HEIGHT = 640, 340
FONT = "Inter, 'Helvetica Neue', Arial, 'Liberation Sans', sans-serif"

CONFIG: dict[str, Any] = {
    "background": "white",
    "font": FONT,
    "padding": 12,
    "view": {"stroke": None},
    "mark": {"color": BLUE},
    "range": {"category": SERIES, "heatmap": {"scheme": "viridis"}},
    "title": {
        "anchor": "start",
        "fontSize": 16,
        "fontWeight": 600,
        "color": INK,
        "subtitleColor": MUTED,
        "subtitleFontSize": 12,
        "subtitlePadding": 4,
        "offset": 14,
        "frame": "group",
    },
    "axis": {
        "labelColor": MUTED,
        "titleColor": MUTED,
        "labelFontSize": 12,
        "titleFontSize": 12,
        "titleFontWeight": 500,
        "gridColor": RULE,
        "domainColor": RULE,
        "tickColor": RULE,
        "labelLimit": 220,
        "labelSeparation": 6,
        "titlePadding": 10,
    },
    "legend": {
        "labelColor": MUTED,
        "titleColor": MUTED,
        "labelFontSize": 12,
        "titleFontSize": 12,
        "titleFontWeight": 500,
        "labelLimit": 180,
        "gradientLength": 300,
        "titleLimit": 400,
    },
    "text": {"color": INK, "fontSize": 12},
    "bar": {"cornerRadiusEnd": 2},
}
