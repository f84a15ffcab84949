"""The page of any report in the catalogue: a form, its charts and its table, made of what the report says of itself."""

from __future__ import annotations

import time
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import msgspec
import orjson

from tillwise_common.clock import by_the_clock
from tillwise_common.contracts.reports import Column, ReportAnswer
from tillwise_common.contracts.stores import Store
from tillwise_common.web.problems import Problem
from tillwise_gateway.pages.questions import as_asked, fields
from tillwise_gateway.pages.rendering import show
from tillwise_gateway.reports.client import ReportsClient

# A page with more rows is slow to read and to draw; the file has all.
MOST_ROWS = 500
CATALOGUE_SECONDS = 60.0


class Catalogue:
    """The reports there are, asked for once a minute."""

    def __init__(self, client: ReportsClient) -> None:
        self._client = client
        self._known: list[dict[str, Any]] = []
        self._asked = -CATALOGUE_SECONDS

    async def reports(self) -> list[dict[str, Any]]:
        """All of them; those last known while analytics is away."""
        if time.monotonic() - self._asked >= CATALOGUE_SECONDS:
            try:
                self._known = orjson.loads((await self._client.describe()).body)["reports"]
                self._asked = time.monotonic()
            except Problem:
                if not self._known:
                    raise
        return self._known

    async def report(self, name: str) -> dict[str, Any] | None:
        """The report of that name."""
        return next((one for one in await self.reports() if one["name"] == name), None)


def values_of(about: dict[str, Any], store: Store, asked: dict[str, str], answer: ReportAnswer) -> dict[str, Any]:
    """What the template shows of an answer; `about` is the report's entry in the catalogue."""
    schema, zone = about["parameters"], ZoneInfo(answer.timezone)
    found = fields(schema, as_asked(schema, answer.params, asked))
    query = urlencode({**asked, "store": store.name, "format": "csv"})
    return {
        "about": about,
        "plain": [field for field in found if field.is_plain],
        "further": [field for field in found if not field.is_plain],
        "answer": answer,
        "told": _told(answer),
        "model": _model(answer, zone),
        "lists": _lists(answer),
        "charts": [{"title": chart.get("title", ""), "spec": _spec(chart)} for chart in answer.charts],
        "columns": answer.columns,
        "rows": answer.rows[:MOST_ROWS],
        "left": max(len(answer.rows) - MOST_ROWS, 0),
        "show": partial(show, zone=zone),
        "csv": f"/api/v1/reports/{about['name']}?{query}",
    }


def _spec(chart: dict[str, Any]) -> str:
    """A chart inside a script element, which no text of a shop can close."""
    return orjson.dumps(chart).decode().replace("<", "\\u003c")


def _told(answer: ReportAnswer) -> list[tuple[str, str]]:
    """The totals that are one figure each, written as the column of the same name is, or of its last word: dead_value as value."""
    return [
        (name.replace("_", " "), show(value, _column(answer, name)))
        for name, value in answer.totals.items()
        if isinstance(value, int | float | str) and not isinstance(value, bool)
    ]


class Listed(NamedTuple):
    """A total that is a list of records: a table of its own."""

    title: str
    columns: list[Column]
    rows: list[list[Any]]


def _lists(answer: ReportAnswer) -> list[Listed]:
    found = []
    for name, value in answer.totals.items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            columns = [msgspec.structs.replace(_column(answer, key), name=key) for key in value[0]]
            found.append(Listed(name.replace("_", " "), columns, [list(record.values()) for record in value[:MOST_ROWS]]))
    return found


def _column(answer: ReportAnswer, name: str) -> Column:
    """How a total is written: as the column of the same name is, or of its last word."""
    columns, last = {column.name: column for column in answer.columns}, name.rpartition("_")[2]
    return columns.get(name) or columns.get(last) or Column("", "percent" if last in ("rate", "share") else "number")


def _model(answer: ReportAnswer, zone: ZoneInfo) -> list[tuple[str, str]]:
    """The parameters of a fitted model, of when they are and how it did; nothing of reports without one."""
    found: list[tuple[str, str]] = []
    for name, value in (answer.model or {}).items():
        parts = {f"{name}_{part}": inner for part, inner in value.items()} if isinstance(value, dict) else {name: value}
        found += [(part.replace("_", " "), _figure(inner, zone)) for part, inner in parts.items()]
    return found


def _figure(value: Any, zone: ZoneInfo) -> str:
    if isinstance(value, float) and abs(value) < 100:
        # Parameters may be small: of those, two digits behind the point would leave nothing.
        return f"{value:.4g}"
    if isinstance(value, str) and "T" in value:
        return by_the_clock(datetime.fromisoformat(value).astimezone(zone).isoformat(timespec="seconds"), zone)
    return show(value, Column("", "number"))
