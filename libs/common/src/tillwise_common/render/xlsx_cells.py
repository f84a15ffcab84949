"""The cells of a workbook: how each type of column is written."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from tillwise_common.contracts.groups import shown
from tillwise_common.contracts.reports import Column
from tillwise_common.money import exponent

Writer = Callable[[Worksheet, int, int, Any], Any]
DAY, MINUTE = "yyyy-mm-dd", "yyyy-mm-dd hh:mm"
# What a cell holds, in units of UTF-16: two for an emoji.
LONGEST_TEXT = 32_767
# Days since the one that spreadsheets call 0, which is right from March 1900 on.
_DAY_ZERO = date(1899, 12, 30).toordinal()
_FIRST_DAY = date(1900, 3, 1)
_ZERO = datetime(1899, 12, 30)
_WIDTHS = {"date": 11, "datetime": 17, "boolean": 8}


def writer(column: Column, shape: Callable[[str], Format]) -> Writer:
    """What writes the cells of a column; `shape` makes a format."""
    if column.type == "money":
        decimals = exponent(column.unit or "")
        # A currency in quotes is words, whatever its letters mean in a format.
        return _numbers(shape(_money(decimals, column.unit or "")), 10**decimals)
    if column.type == "percent":
        return _numbers(shape("0.0%"))
    if column.type == "duration":
        return _numbers(shape("#,##0.0"))
    if column.type == "count":
        return _numbers(shape("#,##0"))
    if column.type == "number":
        return _numbers(shape("#,##0.00"))
    if column.type == "boolean":
        return lambda sheet, row, place, value: sheet.write_boolean(row, place, bool(value))
    if column.type == "date":
        return _days(shape(DAY))
    return _moments(shape(MINUTE)) if column.type == "datetime" else _text


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


def _money(decimals: int, currency: str) -> str:
    amount = "#,##0" + (f".{'0' * decimals}" if decimals else "")
    return f'{amount} "{currency}"' if currency.isalpha() else amount


def _numbers(look: Format, over: int = 1) -> Writer:
    def write(sheet: Worksheet, row: int, place: int, value: Any) -> Any:
        if isinstance(value, int | float):
            return sheet.write_number(row, place, value / over if over != 1 else value, look)
        return _text(sheet, row, place, value)

    return write


def _days(look: Format) -> Writer:
    def write(sheet: Worksheet, row: int, place: int, value: Any) -> Any:
        try:
            day = value if isinstance(value, date) else date.fromisoformat(value)
        except ValueError:
            return _text(sheet, row, place, value)
        return sheet.write_number(row, place, day.toordinal() - _DAY_ZERO, look) if day >= _FIRST_DAY else _text(sheet, row, place, value)

    return write


def _moments(look: Format) -> Writer:
    """Spreadsheets know no time zones: the clock of the store, as the text says it."""

    def write(sheet: Worksheet, row: int, place: int, value: Any) -> Any:
        try:
            moment = (value if isinstance(value, datetime) else datetime.fromisoformat(value)).replace(tzinfo=None)
        except ValueError:
            return _text(sheet, row, place, value)
        if moment.date() < _FIRST_DAY:
            return _text(sheet, row, place, value)
        return sheet.write_number(row, place, (moment - _ZERO) / timedelta(days=1), look)

    return write


def _text(sheet: Worksheet, row: int, place: int, value: Any) -> Any:
    return sheet.write_string(row, place, fitting(shown(value if isinstance(value, str) else str(value))))
