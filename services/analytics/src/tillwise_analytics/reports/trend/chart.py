"""The trend's chart, one Vega-Lite specification for screen and print."""

from __future__ import annotations

from typing import Any

from tillwise_analytics.reports.report import Context
from tillwise_analytics.reports.trend.axis import place, time_axis
from tillwise_analytics.reports.trend.params import TrendParams
from tillwise_common.clock import by_the_clock
from tillwise_common.contracts.groups import shown
from tillwise_common.contracts.reports import Column
from tillwise_common.money import exponent

_TITLES = {
    "sales": "Sales", "orders": "Orders", "units": "Units", "average_order": "Average order",
    "customers": "Customers", "new_customers": "New customers",
}  # fmt: skip
COMPARED = "#9aa3af"
AVERAGE = "#d97706"
# Fields of the chart's own, beside the columns of the answer: where a point lies, and in which parts of its line.
AT, WHOLE, OPENING, CLOSING = "at", "whole", "opening", "closing"
# The line and the band of the forecast, which begin at the last whole bucket.
OUTLOOK, LOW, HIGH = "outlook", "low", "high"
ODD = "#dc2626"
MONEY = ("value", "comparison", "moving_average", "cumulative", "forecast", "lower", "upper", "expected")


def chart(context: Context, params: TrendParams, columns: list[Column], rows: list[list[Any]], ahead: set[str]) -> dict[str, Any]:
    """A line per group, dashed and hollow where buckets are partial; the comparison grey. Money in major units.

    Of buckets that lie `ahead` there is nothing to draw yet, but their place is kept.
    """
    names, currency = [column.name for column in columns], context.store.currency
    money = columns[names.index("value")].type == "money"
    scale = 10 ** exponent(currency) if money else 1
    title = f"{_TITLES[params.metric]} ({currency})" if money else _TITLES[params.metric]
    records = [dict(zip(names, row, strict=False)) for row in rows]
    buckets = list({record["bucket"]: record["partial"] for record in records})
    x = {
        "field": AT, "type": "temporal", "title": None, "scale": {"type": "utc"}, "axis": time_axis(params.granularity, buckets),
    }  # fmt: skip
    tooltip = [{"field": name, "type": "nominal", "title": name.replace("_", " ")} for name in names if name != "partial"]
    points = _points(records, scale, ahead)
    if params.granularity == "hour":
        # The clock of the shop, for people.
        points = [point | {"bucket": by_the_clock(point["bucket"], context.zone)} for point in points]
    y = _y(params, title)
    layers = _values(params, points, x, y, tooltip)
    if any(point.get("forecast") is not None for point in points):
        line, handle = _outlook(params, x, tooltip)
        if all(point["value"] is None for point in points):
            # All of it is to come: the line has the axis to itself.
            layers, line["encoding"]["y"] = [], {**y, "field": OUTLOOK}
        # Not the band first: the legend would be as pale.
        layers += [_band(params, x), line, handle] if layers else [line, _band(params, x), handle]
    if any(point.get("anomaly") for point in points):
        layers.append(_odd(x, tooltip))
    # Of layers without a point the chart library warns.
    if any(point.get("moving_average_window") == params.moving_average for point in points if params.moving_average):
        layers.append(_average(params, x))
    if any(point.get("comparison") is not None for point in points):
        layers.insert(0, _comparison(params, x))
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "title": title,
        "width": "container",
        "height": 320,
        "data": {"values": points},
        "layer": layers,
    }


def _y(params: TrendParams, title: str) -> dict[str, Any]:
    # Half an order has no name: 0, 0.5 and 1 would be shown as 0, 1 and 1.
    whole = {"format": ",.0f", "labelExpr": "datum.value % 1 ? '' : datum.label"}
    axis: dict[str, Any] = {"format": ",.2f"} if params.metric == "average_order" else whole
    return {"field": "value", "type": "quantitative", "title": title, "axis": axis}


def _values(
    params: TrendParams, points: list[dict[str, Any]], x: dict[str, Any], y: dict[str, Any], tooltip: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Lines and points. A bucket that is not over, or cut by the period, must not look like a slump: what leads there is dashed."""
    encoding = {"x": x, "y": y}
    if params.by:
        encoding["color"] = {"field": "group", "type": "nominal", "title": params.by, "sort": None}
    line = {"type": "line", "interpolate": "monotone", "strokeWidth": 2}
    dashed = {**line, "strokeDash": [3, 4], "opacity": 0.7}
    dot, hollow = {"type": "point", "size": 30, "filled": True}, {"type": "point", "size": 45, "filled": False, "strokeWidth": 1.5}
    told = {**encoding, "tooltip": tooltip}
    layers = [
        (WHOLE, line, encoding), (OPENING, dashed, encoding), (CLOSING, dashed, encoding), (WHOLE, dot, told), ("partial", hollow, told),
    ]  # fmt: skip
    there = {name for name in (WHOLE, OPENING, CLOSING, "partial") if any(point[name] and point["value"] is not None for point in points)}
    return [
        {"transform": [{"filter": f"datum.{name}"}], "mark": mark, "encoding": encoded}
        for name, mark, encoded in layers if name in (there or {WHOLE})
    ]  # fmt: skip


def _average(params: TrendParams, x: dict[str, Any]) -> dict[str, Any]:
    """The trailing mean, broad and pale behind the eye's first look; windows that are still short are left out."""
    encoding: dict[str, Any] = {"x": x, "y": {"field": "moving_average", "type": "quantitative"}}
    encoding |= {"color": {"field": "group", "type": "nominal", "sort": None}} if params.by else {}
    mark = {"type": "line", "strokeWidth": 4, "opacity": 0.35, **({} if params.by else {"color": AVERAGE})}
    return {"transform": [{"filter": f"datum.moving_average_window == {params.moving_average}"}], "mark": mark, "encoding": encoding}


def _band(params: TrendParams, x: dict[str, Any]) -> dict[str, Any]:
    """Where the future is likely to lie."""
    encoding: dict[str, Any] = {"x": x, "y": {"field": LOW, "type": "quantitative"}, "y2": {"field": HIGH}}
    encoding |= {"color": {"field": "group", "type": "nominal", "sort": None}} if params.by else {}
    return {"transform": [{"filter": f"isValid(datum.{LOW})"}], "mark": {"type": "area", "opacity": 0.18}, "encoding": encoding}


def _outlook(params: TrendParams, x: dict[str, Any], tooltip: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What is expected: dashed, as nothing of it has happened."""
    encoding: dict[str, Any] = {"x": x, "y": {"field": OUTLOOK, "type": "quantitative"}}
    encoding |= {"color": {"field": "group", "type": "nominal", "sort": None}} if params.by else {}
    line = {"type": "line", "strokeDash": [7, 4], "strokeWidth": 2}
    # Nothing to see, but something to point at.
    handle = {"type": "point", "size": 60, "filled": True, "opacity": 0}
    return [
        {"transform": [{"filter": f"isValid(datum.{OUTLOOK})"}], "mark": line, "encoding": encoding},
        {"transform": [{"filter": "isValid(datum.forecast)"}], "mark": handle, "encoding": {**encoding, "tooltip": tooltip}},
    ]


def _odd(x: dict[str, Any], tooltip: list[dict[str, Any]]) -> dict[str, Any]:
    """A ring around what is out of the ordinary."""
    encoding: dict[str, Any] = {"x": x, "y": {"field": "value", "type": "quantitative"}, "tooltip": tooltip}
    mark = {"type": "point", "size": 150, "filled": False, "strokeWidth": 2, "opacity": 1, "color": ODD}
    return {"transform": [{"filter": "datum.anomaly"}], "mark": mark, "encoding": encoding}


def _comparison(params: TrendParams, x: dict[str, Any]) -> dict[str, Any]:
    encoding: dict[str, Any] = {"x": x, "y": {"field": "comparison", "type": "quantitative"}}
    if params.by:
        encoding["detail"] = {"field": "group", "type": "nominal"}
    return {"mark": {"type": "line", "color": COMPARED, "strokeDash": [4, 3], "strokeWidth": 1.5}, "encoding": encoding}


def _points(records: list[dict[str, Any]], scale: int, ahead: set[str]) -> list[dict[str, Any]]:
    opening, closing = _stretches({record["bucket"]: record["partial"] for record in records})
    points = []
    for record in records:
        bucket = record["bucket"]
        point = _point(record, scale) | {AT: place(bucket).isoformat(), WHOLE: not record["partial"]}
        point |= {OPENING: bucket in opening, CLOSING: bucket in closing}
        points.append(point | {"value": None} if bucket in ahead else point)
    return _bridged(points)


def _bridged(points: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The points with line and band of the forecast, which grow out of each group's last whole bucket."""
    last: dict[str, dict[str, Any]] = {}
    for point in points:
        group = point.get("group", "")
        if point.get("forecast") is not None:
            if begun := last.pop(group, None):
                begun |= {OUTLOOK: begun["value"], LOW: begun["value"], HIGH: begun["value"]}
            point |= {OUTLOOK: point["forecast"], LOW: point["lower"], HIGH: point["upper"]}
        elif point[WHOLE] and point["value"] is not None:
            last[group] = point
    return points


def _stretches(partial: dict[str, bool]) -> tuple[set[str], set[str]]:
    """The partial buckets at the beginning and at the end, each with the whole one that their line leads to or comes from."""
    buckets, whole = list(partial), [number for number, cut in enumerate(partial.values()) if not cut]
    if not whole:
        return set(buckets), set()
    opening, closing = buckets[: whole[0] + 1], buckets[whole[-1] :]
    return set(opening if whole[0] else ()), set(closing if len(closing) > 1 else ())


def _point(record: dict[str, Any], scale: int) -> dict[str, Any]:
    point = dict(record)
    if scale != 1:
        for name in MONEY:
            if point.get(name) is not None:
                point[name] = point[name] / scale
    if "group" in point:
        point["group"] = shown(point["group"])
    return point
