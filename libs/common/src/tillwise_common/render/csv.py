"""CSV: for spreadsheets and programs, and nothing in it that a spreadsheet would run."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any

from tillwise_common.contracts.groups import shown
from tillwise_common.contracts.reports import Column, ReportAnswer
from tillwise_common.money import format_mean, format_minor
from tillwise_common.render.document import Row

# A cell that begins with one of these may be run as a formula; the last ones are the full-width forms.
FORMULA = "=+-@\t\r\n\uff1d\uff0b\uff0d\uff20"
AT_ONCE = 1000
_FORMULA = tuple(FORMULA)


def render_csv(answer: ReportAnswer) -> bytes:
    """A report's rows, whole."""
    return b"".join(stream_csv(answer.columns, answer.rows))


def stream_csv(columns: list[Column], rows: Iterable[Row]) -> Iterator[bytes]:
    """Header and rows, some thousand at a time. Money in major units, percents as fractions (0.25), dates in ISO 8601, nothing as "",
    and a text that is empty (orders without a channel) as "(none)"."""
    cells, rest = [_cell(column) for column in columns], iter(rows)
    yield _lines([[column.name for column in columns]])
    while some := list(islice(rest, AT_ONCE)):
        yield _lines([["" if value is None else cell(value) for cell, value in zip(cells, row, strict=True)] for row in some])


def defused(text: str) -> str:
    """A text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def _lines(rows: list[list[Any]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


def _cell(column: Column) -> Callable[[Any], Any]:
    if column.type == "money":
        currency = column.unit or ""
        return lambda value: format_minor(value, currency) if isinstance(value, int) else format_mean(value, currency)
    if column.type == "boolean":
        return lambda value: "true" if value else "false"
    return _text if column.type == "text" else lambda value: value


def _text(value: str) -> str:
    return defused(shown(value))
