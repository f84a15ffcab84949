"""The cells of a workbook: how each type of column is written."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime
from math import isfinite
from typing import Any

from xlsxwriter.format import Format
from xlsxwriter.utility import xl_col_to_name
from xlsxwriter.worksheet import Worksheet

from tillwise_common.contracts.groups import shown
from tillwise_common.contracts.reports import Column
from tillwise_common.money import exponent
from tillwise_common.render.xlsx_sheet import Cell

DAY, MINUTE = "yyyy-mm-dd", "yyyy-mm-dd hh:mm"
# What a cell holds, in units of UTF-16: two for an emoji.
LONGEST_TEXT = 32_767
# Days since the one that spreadsheets call 0, which is right from March 1900 on.
_DAY_ZERO = date(1899, 12, 30).toordinal()
_FIRST_DAY = date(1900, 3, 1)
_SHAPES = {"date": DAY, "datetime": MINUTE, "percent": "0.0%", "duration": "#,##0.0", "count": "#,##0", "number": "#,##0.00"}
# What a text of XML, or of a spreadsheet (_x0041_ is A there), cannot say as it is.
_SPECIAL = re.compile(r"[&<>\x00-\x08\x0b-\x1f\ufffe\uffff]|_x[0-9a-fA-F]{4}_")
_WIDTHS = {"date": 11, "datetime": 17, "boolean": 8}


def cell(column: Column, place: int, shape: Callable[[str], Format]) -> Cell:
    """How the cells of a column are written; `place` is its number from 0 on, and `shape` makes a format."""
    name = xl_col_to_name(place)
    if column.type == "text":
        return lambda value, row: _text(name, row, value)
    if column.type == "boolean":
        return lambda value, row: f'<c r="{name}{row}" t="b"><v>{1 if value else 0}</v></c>'
    look = shape(_shape(column))._get_xf_index()
    if column.type == "date":
        return _days(name, look)
    if column.type == "datetime":
        return _moments(name, look)
    return _numbers(name, look, 10 ** exponent(column.unit or "") if column.type == "money" else 1)


def fitting(text: str) -> str:
    """A text that fits a cell: of a longer one it says so that there is more."""
    if len(text) <= LONGEST_TEXT // 2:
        return text
    units = text.encode("utf-16-le", "surrogatepass")
    return text if len(units) <= 2 * LONGEST_TEXT else units[: 2 * LONGEST_TEXT - 2].decode("utf-16-le", "ignore") + "…"


def serial(day: date) -> int:
    """A day as spreadsheets count them."""
    return day.toordinal() - _DAY_ZERO


def width(value: Any, column: Column) -> int:
    """Characters that a cell takes."""
    if value is None:
        return 0
    if column.type in _WIDTHS:
        return _WIDTHS[column.type]
    if column.type == "text":
        return len(str(value)) + 2
    if isinstance(value, int | float):
        return len(f"{value:,.0f}") + (5 if column.type == "money" else 3)
    return len(str(value)) + 2


def _shape(column: Column) -> str:
    """The format of a column's cells."""
    return _money(column.unit or "") if column.type == "money" else _SHAPES[column.type]


def _money(currency: str) -> str:
    decimals = exponent(currency)
    amount = "#,##0" + (f".{'0' * decimals}" if decimals else "")
    # A currency in quotes is words, whatever its letters mean in a format.
    return f'{amount} "{currency}"' if currency.isalpha() else amount


def _numbers(name: str, look: int, over: int) -> Cell:
    def write(value: Any, row: int) -> str:
        if not isinstance(value, int | float) or not isfinite(value):
            return _text(name, row, value)
        return f'<c r="{name}{row}" s="{look}"><v>{value / over if over != 1 else value!r}</v></c>'

    return write


def _days(name: str, look: int) -> Cell:
    def write(value: Any, row: int) -> str:
        try:
            day = value if isinstance(value, date) else date.fromisoformat(value)
        except ValueError:
            return _text(name, row, value)
        if day < _FIRST_DAY:
            return _text(name, row, value)
        return f'<c r="{name}{row}" s="{look}"><v>{day.toordinal() - _DAY_ZERO}</v></c>'

    return write


def _moments(name: str, look: int) -> Cell:
    """Spreadsheets know no time zones: the clock of the store, as the text says it."""

    def write(value: Any, row: int) -> str:
        try:
            moment = value if isinstance(value, datetime) else datetime.fromisoformat(value)
        except ValueError:
            return _text(name, row, value)
        if moment.year < _FIRST_DAY.year + 1:
            return _text(name, row, value)
        seconds = moment.hour * 3600 + moment.minute * 60 + moment.second
        return f'<c r="{name}{row}" s="{look}"><v>{moment.toordinal() - _DAY_ZERO + seconds / 86400!r}</v></c>'

    return write


def _text(name: str, row: int, value: Any) -> str:
    text = fitting(shown(value if isinstance(value, str) else str(value)))
    if _SPECIAL.search(text):
        text = Worksheet._escape_control_characters(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return f'<c r="{name}{row}" t="inlineStr"><is><t xml:space="preserve">{text}</t></is></c>'
