"""The charts: what is left of each cohort, how it falls off, and how long customers wait for their next order."""

from __future__ import annotations

from typing import Any

from tillwise_analytics.reports.retention.maths import Cell, Mean
from tillwise_analytics.reports.retention.notes import definite
from tillwise_analytics.reports.retention.params import RetentionParams
from tillwise_analytics.reports.retention.waiting import Step
from tillwise_common.contracts.groups import group_name, shown
from tillwise_common.money import exponent

SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"
# With more cells, figures in them cannot be read.
MOST_FIGURES = 400
ROW_HEIGHT = 24
UNFINISHED, DASHES = "#d97706", [4, 3]
COHORT, AVERAGE = "#cbd5e1", "#2563eb"


def charts(params: RetentionParams, currency: str, cells: list[Cell], means: list[Mean], steps: list[Step]) -> list[dict[str, Any]]:
    """The matrix of cohorts (of groups, where there are some), the curves, and the time between orders where it is known."""
    matrix = _matrix_of_groups(params, means) if params.by else _matrix(params, currency, cells)
    found = [matrix, _curves(params, cells, means), _waiting(steps)]
    return [chart for chart in found if chart is not None]


def _matrix(params: RetentionParams, currency: str, cells: list[Cell]) -> dict[str, Any] | None:
    scale = 10 ** exponent(currency) if params.measure in ("revenue", "margin") else 1
    values = [
        {
            "row": _cohort(params, cell), "offset": cell.offset, "share": cell.share, "complete": cell.complete, "size": cell.size,
            "value": cell.value / scale if scale != 1 else cell.value,
        }
        for cell in cells
    ]  # fmt: skip
    return _grid(f"Cohorts: {definite(params)}", values, ("row", "size", "offset", "value", "share", "complete"))


def _matrix_of_groups(params: RetentionParams, means: list[Mean]) -> dict[str, Any] | None:
    values = [
        {"row": shown(group_name(mean.group)), "offset": mean.offset, "share": mean.share, "complete": True, "size": mean.size}
        for mean in means
    ]
    return _grid(f"Average by {params.by}: {definite(params)}", values, ("row", "size", "offset", "share"))


def _grid(title: str, values: list[dict[str, Any]], told: tuple[str, ...]) -> dict[str, Any] | None:
    # At offset 0 it is all of them, always: a colour for that would leave none for the rest.
    later = [value for value in values if value["offset"]]
    drawn = later or values
    if not drawn:
        return None
    axes = {
        "x": {"field": "offset", "type": "ordinal", "title": "periods later", "axis": {"orient": "top", "labelAngle": 0}},
        "y": {"field": "row", "type": "ordinal", "title": None, "sort": None},
    }
    colour = {"field": "share", "type": "quantitative", "title": None, "scale": {"scheme": "blues"}, "legend": {"format": ".0%"}}
    tooltip = [{"field": name, "type": "nominal", "title": "cohort" if name == "row" else name} for name in told]
    layers: list[dict[str, Any]] = [{"mark": {"type": "rect"}, "encoding": {**axes, "color": colour, "tooltip": tooltip}}]
    if not all(value["complete"] for value in drawn):
        layers.append(_unfinished(axes))
    if len(drawn) <= MOST_FIGURES:
        figure = {"field": "share", "type": "quantitative", "format": ".0%"}
        most = max((value["share"] or 0 for value in drawn), default=0)
        readable = {"condition": {"test": f"datum.share > {most * 0.6}", "value": "white"}, "value": "#111827"}
        layers.append({"mark": {"type": "text", "fontSize": 10}, "encoding": {**axes, "text": figure, "color": readable}})
    rows = len({value["row"] for value in drawn})
    return {**_sheet(title, min(max(rows, 4) * ROW_HEIGHT, 1200), drawn), "layer": layers}


def _unfinished(axes: dict[str, Any]) -> dict[str, Any]:
    """A dashed outline around cells that can still change, and what it means: paler cells would look like lower shares."""
    legend = {"symbolType": "square", "symbolDash": DASHES, "symbolFillColor": "transparent", "symbolStrokeWidth": 2, "symbolSize": 140}
    told = {"datum": "not over yet", "type": "nominal", "title": None, "scale": {"range": [UNFINISHED]}, "legend": legend}
    return {
        "transform": [{"filter": "!datum.complete"}],
        "mark": {"type": "rect", "filled": False, "fillOpacity": 0, "strokeWidth": 2, "strokeDash": DASHES},
        "encoding": {**axes, "stroke": told},
    }


def _curves(params: RetentionParams, cells: list[Cell], means: list[Mean]) -> dict[str, Any] | None:
    """The average, broad, over the cohorts, thin; with a breakdown the average of each group."""
    averages = [
        {"line": shown(group_name(mean.group)) if params.by else "average", "offset": mean.offset, "share": mean.share}
        for mean in means if mean.offset
    ]  # fmt: skip
    if not averages:
        return None
    single = [
        {"line": _cohort(params, cell), "offset": cell.offset, "share": cell.share}
        for cell in cells if cell.offset and cell.complete and not params.by
    ]  # fmt: skip
    x = {"field": "offset", "type": "quantitative", "title": "periods later", "axis": {"tickMinStep": 1, "format": "d"}}
    y = {"field": "share", "type": "quantitative", "title": None, "axis": {"format": ".0%"}, "scale": {"zero": True}}
    detail = {"field": "line", "type": "nominal", "title": None, "sort": None}
    bold: dict[str, Any] = {"type": "line", "strokeWidth": 3, "point": True, "tooltip": True}
    layers: list[dict[str, Any]] = []
    if single:
        thin = {"type": "line", "color": COHORT, "strokeWidth": 1, "tooltip": True}
        layers.append({"data": {"values": single}, "mark": thin, "encoding": {"x": x, "y": y, "detail": detail}})
    encoding = {"x": x, "y": y, "color": detail} if params.by else {"x": x, "y": y}
    layers.append({"data": {"values": averages}, "mark": bold if params.by else {**bold, "color": AVERAGE}, "encoding": encoding})
    title = f"Retention by {params.by}: {definite(params)}" if params.by else f"Retention: {definite(params)}"
    return {**_sheet(title, 280), "layer": layers}


def _waiting(steps: list[Step]) -> dict[str, Any] | None:
    if not steps:
        return None
    points = [{"days": 0, "again": 0.0}, *({"days": step.days, "again": 1 - step.waiting} for step in steps)]
    y = {"field": "again", "type": "quantitative", "title": None, "axis": {"format": ".0%"}, "scale": {"domain": [0, 1]}}
    return {
        **_sheet("Ordered again within so many days", 240, points),
        "mark": {"type": "line", "interpolate": "step-after", "tooltip": True, "color": AVERAGE},
        "encoding": {"x": {"field": "days", "type": "quantitative", "title": "days since an order"}, "y": y},
    }


def _cohort(params: RetentionParams, cell: Cell) -> str:
    return cell.cohort.isoformat()[: 7 if params.period == "month" else None]


def _sheet(title: str, height: int, values: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    data = {} if values is None else {"data": {"values": values}}
    return {"$schema": SCHEMA, "title": title, "width": "container", "height": height, **data}
