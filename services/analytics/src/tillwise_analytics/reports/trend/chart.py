"""The trend's chart, one Vega-Lite specification for screen and print."""

from __future__ import annotations

from typing import Any

from tillwise_analytics.reports.trend.params import TrendParams
from tillwise_common.contracts.groups import shown
from tillwise_common.contracts.reports import Column
from tillwise_common.money import exponent

_TITLES = {
    "sales": "Sales", "orders": "Orders", "units": "Units", "average_order": "Average order",
    "customers": "Customers", "new_customers": "New customers",
}  # fmt: skip
COMPARED = "#9aa3af"
AVERAGE = "#d97706"


def chart(params: TrendParams, currency: str, columns: list[Column], rows: list[list[Any]]) -> dict[str, Any]:
    """A line per group; partial buckets hollow, the comparison grey. Money in major units."""
    names = [column.name for column in columns]
    money = columns[names.index("value")].type == "money"
    scale = 10 ** exponent(currency) if money else 1
    values = [_point(dict(zip(names, row, strict=False)), scale) for row in rows]
    title = f"{_TITLES[params.metric]} ({currency})" if money else _TITLES[params.metric]
    x = {"field": "bucket", "type": "temporal", "title": None}
    y = {
        "field": "value",
        "type": "quantitative",
        "title": title,
        "axis": {"format": ",.2f" if params.metric == "average_order" else ",.0f"},
    }
    tooltip = [{"field": name, "type": "nominal", "title": name.replace("_", " ")} for name in names if name != "partial"]
    line: dict[str, Any] = {
        "mark": {"type": "line", "interpolate": "monotone", "strokeWidth": 2},
        "encoding": {"x": x, "y": y},
    }
    points: dict[str, Any] = {
        "transform": [{"filter": "!datum.partial"}],
        "mark": {"type": "point", "size": 30, "filled": True},
        "encoding": {"x": x, "y": y, "tooltip": tooltip},
    }
    # A bucket that is not over, or cut by the period, must not look like a slump.
    hollow = {
        **points,
        "transform": [{"filter": "datum.partial"}],
        "mark": {"type": "point", "size": 45, "filled": False, "strokeWidth": 1.5},
    }
    if params.by:
        color = {"field": "group", "type": "nominal", "title": params.by, "sort": None}
        line["encoding"]["color"] = points["encoding"]["color"] = color
    layers = [line, points, hollow]
    if params.moving_average:
        layers.append(_average(params, x))
    if params.compare:
        layers.insert(0, _comparison(params, x))
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "title": title,
        "width": "container",
        "height": 320,
        "data": {"values": values},
        "layer": layers,
    }


def _average(params: TrendParams, x: dict[str, Any]) -> dict[str, Any]:
    """The trailing mean, broad and pale behind the eye's first look; windows that are still short are left out."""
    encoding: dict[str, Any] = {"x": x, "y": {"field": "moving_average", "type": "quantitative"}}
    encoding |= {"color": {"field": "group", "type": "nominal", "sort": None}} if params.by else {}
    mark = {"type": "line", "strokeWidth": 4, "opacity": 0.35, **({} if params.by else {"color": AVERAGE})}
    return {"transform": [{"filter": f"datum.moving_average_window == {params.moving_average}"}], "mark": mark, "encoding": encoding}


def _comparison(params: TrendParams, x: dict[str, Any]) -> dict[str, Any]:
    encoding: dict[str, Any] = {"x": x, "y": {"field": "comparison", "type": "quantitative"}}
    if params.by:
        encoding["detail"] = {"field": "group", "type": "nominal"}
    return {"mark": {"type": "line", "color": COMPARED, "strokeDash": [4, 3], "strokeWidth": 1.5}, "encoding": encoding}


def _point(point: dict[str, Any], scale: int) -> dict[str, Any]:
    if scale != 1:
        for name in ("value", "comparison", "moving_average", "cumulative"):
            if point.get(name) is not None:
                point[name] = point[name] / scale
    if "group" in point:
        point["group"] = shown(point["group"])
    # The clock of the shop, not of whoever looks.
    point["bucket"] = point["bucket"][: len("2026-01-01T00:00:00")]
    # A bare date would be read as UTC and drawn a day early west of Greenwich.
    if len(point["bucket"]) == len("2026-01-01"):
        point["bucket"] += "T00:00:00"
    return point
