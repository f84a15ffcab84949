"""The reorder report's charts: what to order from whom, and when the next products run out."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from tillwise_analytics.reports.reorder.told import URGENCIES, Told

SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"
COLOURS = {
    "domain": list(URGENCIES),
    "range": ["#dc2626", "#f97316", "#facc15", "#22c55e", "#94a3b8"],
}
MOST_SUPPLIERS = 15


def charts(products: Told, digits: int) -> list[dict[str, Any]]:
    """By urgency, and by supplier."""
    if not products.rows:
        return []
    costs: Counter[str] = Counter()
    for place in np.flatnonzero(products.cost > 0).tolist():
        costs[products.rows[place]["supplier"] or "(none)"] += int(products.cost[place])
    found = np.bincount(products.urgency, minlength=len(URGENCIES)).tolist()
    counts = [{"urgency": name, "products": many} for name, many in zip(URGENCIES, found, strict=True)]
    orders = [{"supplier": name, "cost": cost / 10**digits} for name, cost in costs.most_common(MOST_SUPPLIERS)]
    return [
        {
            **_sheet("Products by urgency", 220, counts),
            "mark": {"type": "bar", "tooltip": True},
            "encoding": {
                # Lying bars: their names stand beside each other on a narrow screen, too.
                "y": {"field": "urgency", "type": "nominal", "sort": None, "title": None},
                "x": {"field": "products", "type": "quantitative", "title": None, "axis": {"format": "d", "tickMinStep": 1}},
                "color": {"field": "urgency", "type": "nominal", "legend": None, "scale": COLOURS},
            },
        },
        {
            **_sheet("Cost of what to order now, by supplier", 220, orders),
            "mark": {"type": "bar", "tooltip": True, "color": "#2563eb"},
            "encoding": {
                "y": {"field": "supplier", "type": "nominal", "sort": "-x", "title": None},
                "x": {"field": "cost", "type": "quantitative", "title": None},
            },
        },
    ]


def _sheet(title: str, height: int, values: list[dict[str, Any]]) -> dict[str, Any]:
    return {"$schema": SCHEMA, "title": title, "width": "container", "height": height, "data": {"values": values}}
