"""The charts of lifetime value: did the model foretell what came, and what cohorts and segments bring."""

from __future__ import annotations

from typing import Any

from tillwise_analytics.reports.ltv.fetch import day
from tillwise_analytics.reports.ltv.history import Point
from tillwise_analytics.reports.ltv.terms import MOST_REPEATS, Group, Model
from tillwise_analytics.reports.ltv.worth import Worth

SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"
COLOURS = {"domain": ["actual", "expected"], "range": ["#2563eb", "#f59e0b"]}
# More lines than this cannot be told apart.
MOST_COHORTS = 24


def check(model: Model) -> list[dict[str, Any]]:
    """Actual against expected repeat purchases: over time, and by how often customers had bought before."""
    if model.holdout is None:
        return []
    return [_tracking(model), _by_repeats(model.holdout)]


def _tracking(model: Model) -> dict[str, Any]:
    values = [
        {"week": day(end).isoformat(), "purchases": figure, "which": which}
        for end, actual, expected in model.weeks
        for which, figure in (("actual", actual), ("expected", round(expected, 2)))
    ]
    fitted = day((model.holdout or {})["fitted_until"]).isoformat()
    line = {
        "x": {"field": "week", "type": "temporal", "title": None},
        "y": {"field": "purchases", "type": "quantitative", "title": None},
        "color": {"field": "which", "type": "nominal", "title": None, "scale": COLOURS},
    }
    return {
        **_sheet("Repeat purchases so far, by week; the model saw those left of the rule", 260),
        "layer": [
            {"data": {"values": values}, "mark": {"type": "line", "tooltip": True}, "encoding": line},
            {
                "data": {"values": [{"week": fitted}]},
                "mark": {"type": "rule", "strokeDash": [4, 4], "color": "#64748b"},
                "encoding": {"x": {"field": "week", "type": "temporal"}},
            },
        ],
    }


def _by_repeats(holdout: dict[str, Any]) -> dict[str, Any]:
    groups = holdout["by_repeats"]
    values = [
        {"before": f"{repeats}+" if repeats == MOST_REPEATS else str(repeats), "order": repeats, "customers": customers,
         "purchases": round(figure, 4), "which": which}
        for repeats, customers, actual, expected in groups
        for which, figure in (("actual", actual), ("expected", expected))
    ]  # fmt: skip
    return {
        **_sheet("Purchases per customer after the fit, by repeat purchases before", 220, values),
        "mark": {"type": "line", "point": True, "tooltip": True},
        "encoding": {
            "x": {"field": "before", "type": "ordinal", "title": "repeat purchases before", "sort": {"field": "order"}},
            "y": {"field": "purchases", "type": "quantitative", "title": None},
            "color": {"field": "which", "type": "nominal", "title": None, "scale": COLOURS},
        },
    }


def cohorts(points: list[Point], worth: Worth, decimals: int, cost: int | None) -> dict[str, Any]:
    """Value per customer by months since the first purchase, in major units; a rule where winning a customer is paid."""
    shown = sorted({point.cohort for point in points})[-MOST_COHORTS:]
    major = 10**decimals
    values = [
        {"cohort": f"{point.cohort:%Y-%m}", "month": point.offset, "complete": point.complete,
         "value": round(worth.so_far(point.sales, point.margin) / point.customers / major, decimals)}
        for point in points
        if point.cohort in shown
    ]  # fmt: skip
    line = {
        "x": {"field": "month", "type": "quantitative", "title": "months since the first purchase", "axis": {"tickMinStep": 1}},
        "y": {"field": "value", "type": "quantitative", "title": None},
        "color": {"field": "cohort", "type": "ordinal", "title": None, "scale": {"scheme": "blues"}},
    }
    layers: list[dict[str, Any]] = [{"data": {"values": values}, "mark": {"type": "line", "tooltip": True}, "encoding": line}]
    if cost is not None:
        rule = {"data": {"values": [{"cost": cost / major}]}, "mark": {"type": "rule", "strokeDash": [4, 4], "color": "#dc2626"}}
        layers.append({**rule, "encoding": {"y": {"field": "cost", "type": "quantitative"}}})
    return {**_sheet("Value per customer so far, by cohort", 260), "layer": layers}


def segments(groups: list[Group], worth: Worth, decimals: int) -> dict[str, Any]:
    """What each fifth of customers is expected to be worth, in major units."""
    values = [
        {"segment": group.key, "customers": group.customers, "value": round(worth.of_sales(group.discounted or 0) / 10**decimals, decimals)}
        for group in groups
    ]
    return {
        **_sheet("Value of purchases to come, by fifth of customers", 220, values),
        "mark": {"type": "bar", "tooltip": True, "color": "#2563eb"},
        "encoding": {
            "x": {"field": "segment", "type": "nominal", "title": None, "sort": None},
            "y": {"field": "value", "type": "quantitative", "title": None},
        },
    }


def _sheet(title: str, height: int, values: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    sheet: dict[str, Any] = {"$schema": SCHEMA, "title": title, "width": "container", "height": height}
    return sheet if values is None else {**sheet, "data": {"values": values}}
