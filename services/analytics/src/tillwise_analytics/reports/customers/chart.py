"""The customers' charts: the segments, where they lie by recency and frequency, how unequal customers are, and who moved."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tillwise_analytics.reports.customers.maths import Concentration, Sums, share
from tillwise_analytics.reports.customers.rows import Movement
from tillwise_analytics.reports.customers.segments import DESCRIBED, NOT_YET, SCORES, SEGMENTS, segment

SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"
TITLES = [DESCRIBED[name].title for name in SEGMENTS]
# From this part of the most on, a cell is too dark for black.
DARK = 0.55
PERCENT = {"format": ".0%"}


def of_segments(segments: Mapping[str, Sums], cells: Mapping[tuple[int, int], Sums], concentration: Concentration) -> list[dict[str, Any]]:
    """Shares of the segments, the map of scores, and Lorenz's curve where anybody spent anything."""
    curve = [_curve(concentration)] if concentration.curve else []
    return [_shares(segments), _map(cells), *curve]


def _shares(segments: Mapping[str, Sums]) -> dict[str, Any]:
    total = Sums()
    for one in segments.values():
        total = total.plus(one)
    values = [
        {"segment": DESCRIBED[name].title, "of": of, "share": part or 0, "customers": one.customers}
        for name, one in segments.items()
        for of, part in (("customers", share(one.customers, total.customers)), ("sales", share(one.sales, total.sales)))
    ]
    return {
        **_sheet("Segments: share of customers and of sales", 330, values),
        "mark": {"type": "bar", "tooltip": True},
        "encoding": {
            "y": {"field": "segment", "type": "nominal", "title": None, "sort": TITLES},
            "yOffset": {"field": "of", "type": "nominal"},
            "x": {"field": "share", "type": "quantitative", "title": None, "axis": PERCENT},
            "color": {"field": "of", "type": "nominal", "title": None, "scale": {"range": ["#60a5fa", "#2563eb"]}},
        },
    }


def _map(cells: Mapping[tuple[int, int], Sums]) -> dict[str, Any]:
    values = [
        {"recency": r, "frequency": f, "customers": cells.get((r, f), Sums()).customers, "segment": DESCRIBED[segment(r, f)].title}
        for r in SCORES
        for f in SCORES
    ]
    axes = {
        "x": {"field": "frequency", "type": "ordinal", "title": "frequency", "axis": {"labelAngle": 0}},
        "y": {"field": "recency", "type": "ordinal", "title": "recency", "sort": "descending"},
    }
    return {
        **_sheet("Customers by recency and frequency", 260, values),
        "layer": _heat(axes, values, {"field": "segment", "type": "nominal"}, {"field": "customers", "type": "quantitative"}),
    }


def of_movements(found: list[Movement]) -> list[dict[str, Any]]:
    """The matrix of movements; empty cells are left out."""
    if not found:
        return []
    values = [
        {"from": DESCRIBED[one.was].title, "to": DESCRIBED[one.now].title, "customers": one.customers, "sales": one.sales} for one in found
    ]
    axes = {
        "x": {"field": "to", "type": "nominal", "title": "now", "sort": TITLES, "axis": {"labelAngle": -40}},
        "y": {"field": "from", "type": "nominal", "title": "then", "sort": [*TITLES, DESCRIBED[NOT_YET].title]},
    }
    return [
        {
            **_sheet("Movement between segments", 330, values),
            "layer": _heat(axes, values, {"field": "customers", "type": "quantitative"}),
        }
    ]


def _curve(concentration: Concentration) -> dict[str, Any]:
    values = [{"customers": customers, "sales": sales} for customers, sales in concentration.curve]
    axes = {
        "x": {"field": "customers", "type": "quantitative", "title": "customers, smallest first", "axis": PERCENT},
        "y": {"field": "sales", "type": "quantitative", "title": "share of sales", "axis": PERCENT},
    }
    equal = {"data": {"values": [{"customers": 0, "sales": 0}, {"customers": 1, "sales": 1}]}, "encoding": axes}
    return {
        **_sheet("How few customers make most of the sales", 260, values),
        "layer": [
            {"mark": {"type": "line", "strokeDash": [4, 4], "color": "#94a3b8"}, **equal},
            {"mark": {"type": "area", "line": True, "opacity": 0.3, "tooltip": True}, "encoding": axes},
        ],
    }


def _heat(axes: dict[str, Any], values: list[dict[str, Any]], *texts: dict[str, Any]) -> list[dict[str, Any]]:
    """Cells as dark as there are customers, with texts in them, one below the other; white where the cell is dark."""
    most = max(value["customers"] for value in values)
    scale = {"scheme": "blues", "domain": [0, most or 1]}
    colour = {"field": "customers", "type": "quantitative", "legend": None, "scale": scale}
    cells = {"mark": {"type": "rect", "tooltip": True}, "encoding": {**axes, "color": colour}}
    readable = {"condition": {"test": f"datum.customers > {most * DARK}", "value": "white"}, "value": "#111827"}
    columns = len({value[axes["x"]["field"]] for value in values})
    return [
        cells,
        *(
            {
                # On a narrow screen a text ends with its cell.
                "mark": {
                    "type": "text",
                    "dy": 14 * place - 7 * (len(texts) - 1),
                    "fontSize": 10,
                    "limit": {"expr": f"width / {columns} - 2"},
                },
                "encoding": {**axes, "text": text, "color": readable},
            }
            for place, text in enumerate(texts)
        ),
    ]


def _sheet(title: str, height: int, values: list[dict[str, Any]]) -> dict[str, Any]:
    return {"$schema": SCHEMA, "title": title, "width": "container", "height": height, "data": {"values": values}}
