"""What every renderer takes: tables with a title and what is said about them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from tillwise_common.clock import by_the_clock
from tillwise_common.contracts.reports import Column, ReportAnswer
from tillwise_common.render.shown import show, show_figure

Row = Sequence[Any]
Told = list[tuple[str, str]]


class Table(msgspec.Struct):
    """A table. Its rows may come from anywhere, and are read once."""

    title: str
    columns: list[Column]
    rows: Iterable[Row]


class Document(msgspec.Struct, kw_only=True):
    """Tables, and what else belongs into a file about them."""

    title: str
    store: str
    timezone: str
    # As people read it, in the store's time zone.
    generated: str
    params: Told
    tables: list[Table]
    figures: Told = []
    model: Told = []
    charts: list[dict[str, Any]] = []
    notes: list[str] = []


class Unmakeable(Exception):
    """It cannot be made in this form; `str()` says why."""


class TooLarge(Unmakeable):
    """It cannot be made that large in this form; `str()` says what to do instead."""


def of_answer(answer: ReportAnswer, title: str | None = None) -> Document:
    """A report's answer: its rows, and the lists among its totals as tables of their own."""
    zone = ZoneInfo(answer.timezone)
    name = title or answer.report.replace("-", " ").capitalize()
    return Document(
        title=name,
        store=answer.store.name,
        timezone=answer.timezone,
        generated=moment(answer.generated_at, zone),
        params=asked(answer.params),
        tables=[Table(name, answer.columns, answer.rows), *lists(answer)],
        figures=figures(answer),
        model=model(answer, zone),
        charts=answer.charts,
        notes=answer.notes,
    )


def moment(text: str, zone: ZoneInfo) -> str:
    """An instant by the clock of a zone."""
    return by_the_clock(datetime.fromisoformat(text).astimezone(zone).isoformat(timespec="seconds"), zone)


def asked(params: dict[str, Any]) -> Told:
    """The parameters that say something: what is off or not given is left out."""
    given = {name: value for name, value in params.items() if value is not None and value is not False and value != []}
    return [(name.replace("_", " "), _parameter(value)) for name, value in given.items()]


def _parameter(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(_parameter, value))
    return "yes" if value is True else "(none)" if value == "" else str(value)


def figures(answer: ReportAnswer) -> Told:
    """The totals that are one figure each, written as the column of the same name is, or of its last word: dead_value as value."""
    return [
        (name.replace("_", " "), show(value, _column(answer, name)))
        for name, value in answer.totals.items()
        if isinstance(value, int | float | str) and not isinstance(value, bool)
    ]


def lists(answer: ReportAnswer) -> list[Table]:
    """The totals that are lists of records, each a table."""
    found = []
    for name, value in answer.totals.items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            names = [key for key in value[0] if not any(isinstance(record.get(key), dict | list) for record in value)]
            columns = [_written_as(answer, key, [record.get(key) for record in value]) for key in names]
            found.append(Table(name.replace("_", " ").capitalize(), columns, [[record.get(key) for key in names] for record in value]))
    return found


def model(answer: ReportAnswer, zone: ZoneInfo) -> Told:
    """The parameters of a fitted model, of when they are and how it did; nothing of reports without one."""
    found: Told = []
    for name, value in (answer.model or {}).items():
        parts = {f"{name}_{part}": inner for part, inner in value.items()} if isinstance(value, dict) else {name: value}
        found += [(part.replace("_", " "), show_figure(inner, zone)) for part, inner in parts.items()]
    return found


def _written_as(answer: ReportAnswer, name: str, values: list[Any]) -> Column:
    """The column of a list's key; one that is told in words is no number whatever its name."""
    kind = "text" if any(isinstance(value, str) for value in values) else None
    column = _column(answer, name)
    if kind and column.type not in ("text", "date", "datetime"):
        return Column(name, "text")
    return msgspec.structs.replace(column, name=name)


def _column(answer: ReportAnswer, name: str) -> Column:
    """How a total is written: as the column of the same name is, or of its last word."""
    columns, last = {column.name: column for column in answer.columns}, name.rpartition("_")[2]
    return columns.get(name) or columns.get(last) or Column("", "percent" if last in ("rate", "share") else "number")
