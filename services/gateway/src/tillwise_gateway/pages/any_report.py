"""The page of any report in the catalogue: a form, its charts and its table, made of what the report says of itself."""

from __future__ import annotations

from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from tillwise_common.contracts.reports import ReportAnswer
from tillwise_common.contracts.stores import Store
from tillwise_common.render import document
from tillwise_common.render.shown import show
from tillwise_gateway.pages.downloads import downloads
from tillwise_gateway.pages.questions import as_asked, fields

# A page with more rows is slow to read and to draw; the file has all.
MOST_ROWS = 500


def values_of(about: dict[str, Any], store: Store, asked: dict[str, str], answer: ReportAnswer) -> dict[str, Any]:
    """What the template shows of an answer; `about` is the report's entry in the catalogue."""
    schema, zone = about["parameters"], ZoneInfo(answer.timezone)
    found = fields(schema, as_asked(schema, answer.params, asked))
    return {
        "about": about,
        "plain": [field for field in found if field.is_plain],
        "further": [field for field in found if not field.is_plain],
        "answer": answer,
        "told": document.figures(answer),
        "model": document.model(answer, zone),
        "lists": document.lists(answer),
        "charts": [{"title": chart.get("title", ""), "spec": _spec(chart)} for chart in answer.charts],
        "columns": answer.columns,
        "rows": answer.rows[:MOST_ROWS],
        "most": MOST_ROWS,
        "left": max(len(answer.rows) - MOST_ROWS, 0),
        "show": partial(show, zone=zone),
        "downloads": downloads(about["name"], {**asked, "store": store.name}, answer),
    }


def _spec(chart: dict[str, Any]) -> str:
    """A chart inside a script element, which no text of a shop can close."""
    return orjson.dumps(chart).decode().replace("<", "\\u003c")
