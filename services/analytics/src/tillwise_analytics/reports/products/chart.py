"""The products' charts: how few products make most of the sales, and how the classes share it."""

from __future__ import annotations

from typing import Any

from tillwise_analytics.reports.products.maths import Ranked

SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"
# A curve of 10,000 points looks like one of 400.
MOST_POINTS = 400
COLOURS = {"domain": ["A", "B", "C"], "range": ["#2563eb", "#60a5fa", "#cbd5e1"]}


def charts(ranked: list[Ranked], classes: dict[str, dict[str, int]]) -> list[dict[str, Any]]:
    """The Pareto curve and the matrix of classes."""
    return [_pareto(ranked), _matrix(classes)]


def _pareto(ranked: list[Ranked]) -> dict[str, Any]:
    step = max(1, len(ranked) // MOST_POINTS)
    points = [
        {"rank": place, "sku": one.sums.sku, "share": one.cumulative, "abc": one.abc}
        for place, one in enumerate(ranked, 1)
        if (place - 1) % step == 0 or place == len(ranked)
    ]
    return {
        **_sheet("Share of sales by rank", 260, points),
        "mark": {"type": "bar", "tooltip": True},
        "encoding": {
            "x": {
                "field": "rank",
                "type": "quantitative",
                "title": "products, best first",
                "scale": {"nice": False},
                "axis": {"tickMinStep": 1, "format": "d", "grid": False},
            },
            "y": {"field": "share", "type": "quantitative", "title": None, "axis": {"format": ".0%"}, "scale": {"domain": [0, 1]}},
            "color": {"field": "abc", "type": "nominal", "title": None, "scale": COLOURS},
        },
    }


def _matrix(classes: dict[str, dict[str, int]]) -> dict[str, Any]:
    cells = [{"abc": name[0], "xyz": name[1], "products": cell["products"]} for name, cell in classes.items()]
    most = max((cell["products"] for cell in classes.values()), default=0)
    axes = {
        "x": {"field": "xyz", "type": "ordinal", "title": None, "axis": {"labelAngle": 0}},
        "y": {"field": "abc", "type": "ordinal", "title": None},
    }
    colour = {"field": "products", "type": "quantitative", "legend": None, "scale": {"scheme": "teals", "domainMin": 0}}
    # Readable on every shade.
    ink = {"condition": {"test": f"datum.products > {most / 2}", "value": "white"}, "value": "#14211f"}
    number = {"field": "products", "type": "quantitative"}
    return {
        **_sheet("Products by class", 200, cells),
        "layer": [
            {"mark": {"type": "rect", "tooltip": True}, "encoding": {**axes, "color": colour}},
            {"mark": {"type": "text"}, "encoding": {**axes, "text": number, "color": ink}},
        ],
    }


def _sheet(title: str, height: int, values: list[dict[str, Any]]) -> dict[str, Any]:
    return {"$schema": SCHEMA, "title": title, "width": "container", "height": height, "data": {"values": values}}
