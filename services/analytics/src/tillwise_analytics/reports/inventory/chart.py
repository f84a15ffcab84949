"""The inventory's charts: how long stock lasts, and where the money lies."""

from __future__ import annotations

from typing import Any

SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"
COVERS = ("none", "under 7 days", "7 to 14", "14 to 30", "30 to 60", "60 to 90", "over 90 days", "not selling")
COLOURS = ["#dc2626", "#f97316", "#facc15", "#84cc16", "#22c55e", "#60a5fa", "#2563eb", "#94a3b8"]


def charts(totals: dict[str, Any], digits: int) -> list[dict[str, Any]]:
    """By days of cover, and by category."""
    if not totals["rows"]:
        return []
    covers = [{"cover": COVERS[place], "products": products, "value": worth / 10**digits} for place, products, worth in totals["covers"]]
    categories = [{"category": name or "(none)", "value": worth / 10**digits} for name, worth in totals["categories"]]
    return [
        {
            **_sheet("Products by days of cover", covers),
            "mark": {"type": "bar", "tooltip": True},
            "encoding": {
                "x": {"field": "cover", "type": "ordinal", "sort": list(COVERS), "title": None, "axis": {"labelAngle": 0}},
                "y": {"field": "products", "type": "quantitative", "title": None},
                "color": {"field": "cover", "type": "nominal", "legend": None, "scale": {"domain": list(COVERS), "range": COLOURS}},
            },
        },
        {
            **_sheet("Value by category", categories),
            "mark": {"type": "bar", "tooltip": True, "color": "#2563eb"},
            "encoding": {
                "y": {"field": "category", "type": "nominal", "sort": "-x", "title": None},
                "x": {"field": "value", "type": "quantitative", "title": None},
            },
        },
    ]


def _sheet(title: str, values: list[dict[str, Any]]) -> dict[str, Any]:
    return {"$schema": SCHEMA, "title": title, "width": "container", "height": 260, "data": {"values": values}}
