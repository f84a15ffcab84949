"""The charts of the age of stock: how much of the money is how old, and where dead stock lies."""

from __future__ import annotations

from typing import Any

SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"
MOST_BARS = 15


def charts(buckets: list[dict[str, Any]], dead: list[tuple[str, int]], digits: int) -> list[dict[str, Any]]:
    """Value and units by age, and the dearest products that do not sell."""
    names = [bucket["bucket"] for bucket in buckets]
    ages = [{"age": bucket["bucket"], "value": (bucket["value"] or 0) / 10**digits, "units": bucket["units"]} for bucket in buckets]
    found = [
        {
            **_sheet("Value by age in days", ages, 240),
            "mark": {"type": "bar", "tooltip": True},
            "encoding": {
                "x": {"field": "age", "type": "ordinal", "sort": names, "title": "days since it came", "axis": {"labelAngle": 0}},
                "y": {"field": "value", "type": "quantitative", "title": None},
                "color": {"field": "age", "type": "ordinal", "sort": names, "legend": None, "scale": {"scheme": "teals"}},
            },
        }
    ]
    if dead:
        bars = [{"product": name, "value": value / 10**digits} for name, value in dead[:MOST_BARS]]
        found.append(
            {
                **_sheet("Dead stock by value", bars, 24 * len(bars) + 40),
                "mark": {"type": "bar", "tooltip": True, "color": "#b42318"},
                "encoding": {
                    "y": {"field": "product", "type": "nominal", "sort": "-x", "title": None},
                    "x": {"field": "value", "type": "quantitative", "title": None},
                },
            }
        )
    return found


def _sheet(title: str, values: list[dict[str, Any]], height: int) -> dict[str, Any]:
    return {"$schema": SCHEMA, "title": title, "width": "container", "height": height, "data": {"values": values}}
