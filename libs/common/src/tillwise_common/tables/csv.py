"""A report's answer as CSV: for spreadsheets and programs."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from typing import Any

from tillwise_common.contracts.groups import shown
from tillwise_common.contracts.reports import Column, ReportAnswer
from tillwise_common.money import format_mean, format_minor

# A cell that begins with one of these may be run as a formula; the last ones are the full-width forms.
_FORMULA = tuple("=+-@\t\r\uff1d\uff0b\uff0d\uff20")


def render_csv(answer: ReportAnswer) -> bytes:
    """Header and rows. Money in major units, percents as fractions (0.25), dates in ISO 8601, nothing as "", and a text
    that is empty (orders without a channel) as "(none)"."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow([column.name for column in answer.columns])
    cells = [_cell(column) for column in answer.columns]
    writer.writerows([["" if value is None else cell(value) for cell, value in zip(cells, row, strict=True)] for row in answer.rows])
    return text.getvalue().encode()


def _cell(column: Column) -> Callable[[Any], Any]:
    if column.type == "money":
        currency = column.unit or ""
        return lambda value: format_minor(value, currency) if isinstance(value, int) else format_mean(value, currency)
    if column.type == "boolean":
        return lambda value: "true" if value else "false"
    return _defused if column.type == "text" else lambda value: value


def _defused(value: str) -> str:
    text = shown(value)
    return f"'{text}" if text.startswith(_FORMULA) else text
