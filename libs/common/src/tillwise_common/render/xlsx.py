"""XLSX by XlsxWriter: native numbers, dates and money, written row by row in constant memory."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from itertools import chain, islice
from pathlib import Path
from typing import Any, BinaryIO

import xlsxwriter

from tillwise_common.contracts.reports import Column
from tillwise_common.render import xlsx_cells
from tillwise_common.render.document import Document, Row, Table
from tillwise_common.render.series import Plot, plot
from tillwise_common.render.xlsx_cells import DAY
from tillwise_common.render.xlsx_sheet import Cell, Sheet

# What a sheet holds, its header included.
MOST_ROWS = 1_048_576
# So many rows are written in one step.
_AT_ONCE = 1000
# So many rows say how wide the columns must be.
_LOOKED_AT = 200
_NARROWEST, _WIDEST = 8, 60
_NOT_IN_A_NAME = re.compile(r"[\[\]:*?/\\\x00-\x1f]")
_OPTIONS = {
    "constant_memory": True,
    # What looks like a formula, a link or a number stays the text that it is.
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
}


def render_xlsx(document: Document) -> bytes:
    """The document as a workbook: a sheet for each table, one with the first chart, one that says what was asked and what it means."""
    target = io.BytesIO()
    with Workbook(target) as book:
        for table in document.tables:
            book.table(table)
        made = next((found for found in map(plot, document.charts) if found is not None), None)
        if made is not None:
            book.chart(made)
        book.about(document)
    return target.getvalue()


class Workbook:
    """A workbook that is written from the first row to the last."""

    def __init__(self, target: Path | BinaryIO, scratch: Path | None = None) -> None:
        more = {"tmpdir": str(scratch)} if scratch else {}
        self._book = xlsxwriter.Workbook(str(target) if isinstance(target, Path) else target, {**_OPTIONS, **more})
        self._bold = self._book.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top", "bg_color": "#F1F5F9"})
        self._names: set[str] = set()

    def __enter__(self) -> Workbook:
        return self

    def __exit__(self, kind: Any, *_: Any) -> None:
        if kind is None:
            self.close()
        else:
            self.abandon()

    def close(self) -> None:
        """Write the file."""
        self._book.close()

    def abandon(self) -> None:
        """End without a file; what lies in temporary files goes."""
        for sheet in self._book.worksheets():
            sheet._opt_close()
            Path(getattr(sheet, "row_data_filename", "") or "/nonexistent").unlink(missing_ok=True)
        self._book.fileclosed = True

    def table(self, table: Table) -> None:
        """A table, on as many sheets as it needs."""
        rows = iter(table.rows)
        first = list(islice(rows, _LOOKED_AT))
        sheets = self.sheets(table.title, table.columns, first)
        sheets.write(first)
        sheets.write(rows)
        sheets.end()

    def sheets(self, title: str, columns: list[Column], like: list[Row]) -> Sheets:
        """Sheets for the rows of a table that come bit by bit; `like` are some of them."""
        return Sheets(self, title, columns, like)

    def sheet(self, title: str) -> Sheet:
        """A new sheet, with a name that a spreadsheet takes."""
        found: Sheet = self._book.add_worksheet(self._name(title), Sheet)
        return found

    def header(self, sheet: Sheet, names: list[str]) -> None:
        """Bold, and there to stay."""
        for number, name in enumerate(names):
            sheet.write_string(0, number, name, self._bold)
        sheet.freeze_panes(1, 0)

    def cells(self, columns: list[Column]) -> list[Cell]:
        """How the cells of each column are written."""

        def shape(told: str) -> Any:
            return self._book.add_format({"num_format": told})

        return [xlsx_cells.cell(column, place, shape) for place, column in enumerate(columns)]

    def chart(self, made: Plot) -> None:
        """A sheet with a native chart and its figures."""
        sheet, days = self.sheet("Chart"), self._book.add_format({"num_format": DAY})
        figure = self._book.add_format({"num_format": "0.0%" if made.percent else "#,##0.##"})
        sheet.set_column(0, 0, 18)
        self.header(sheet, [made.category_title, *(one.name for one in made.series)])
        for number, category in enumerate(made.categories):
            _category(sheet, number + 1, category, days)
            for place, one in enumerate(made.series):
                value = one.values[number]
                if value is not None:
                    sheet.write_number(number + 1, place + 1, value, figure)
        sheet.insert_chart(1, len(made.series) + 2, self._chart(sheet.get_name(), made), {"x_scale": 1.8, "y_scale": 1.5})

    def _chart(self, sheet: str, made: Plot) -> Any:
        chart = self._book.add_chart({"type": made.kind, **({"subtype": "stacked"} if made.stacked else {})})
        last = len(made.categories)
        for place in range(len(made.series)):
            chart.add_series({
                "name": [sheet, 0, place + 1],
                "categories": [sheet, 1, 0, last, 0],
                "values": [sheet, 1, place + 1, last, place + 1],
                **({"smooth": False} if made.kind == "line" else {}),
            })  # fmt: skip
        days = isinstance(made.categories[0], date)
        chart.set_title({"name": made.title, "overlay": False} if made.title else {"none": True})
        chart.set_x_axis({"name": made.category_title, **({"date_axis": True, "num_format": DAY} if days else {})}
                         | ({"reverse": True} if made.kind == "bar" else {}))  # fmt: skip
        chart.set_y_axis({"name": made.value_title, "num_format": "0%" if made.percent else "#,##0", "major_gridlines": {"visible": True}})
        if len(made.series) == 1:
            chart.set_legend({"none": True})
        return chart

    def about(self, document: Document) -> None:
        """What was asked, of whom and when, the figures of the whole, and what they mean."""
        sheet, bold = self.sheet("About"), self._book.add_format({"bold": True})
        wrapped = self._book.add_format({"text_wrap": True, "valign": "top"})
        sheet.set_column(0, 0, 24)
        sheet.set_column(1, 1, 90)
        said = [("Report", document.title), ("Store", document.store), ("Time zone", document.timezone), ("Generated", document.generated)]
        parts = [("", said), ("Parameters", document.params), ("Totals", document.figures), ("Model", document.model),
                 ("Notes", [("", note) for note in document.notes])]  # fmt: skip
        row = 0
        for head, told in parts:
            if not told:
                continue
            if head:
                row += 1
                sheet.write_string(row, 0, head, bold)
                row += 1
            for name, value in told:
                sheet.write_string(row, 0, xlsx_cells.fitting(name))
                sheet.write_string(row, 1, xlsx_cells.fitting(value), wrapped)
                row += 1

    def _name(self, title: str) -> str:
        """At most 31 characters, none that is not allowed, and not twice."""
        stem = _NOT_IN_A_NAME.sub(" ", title).strip(" '")[:31].strip(" '") or "Sheet"
        if stem.lower() == "history":
            stem = "History of"
        name, number = stem, 1
        while name.lower() in self._names:
            number += 1
            name = f"{stem[: 31 - len(f' ({number})')]} ({number})"
        self._names.add(name.lower())
        return name


class Sheets:
    """The sheets of one table: another one is begun when one is full."""

    def __init__(self, book: Workbook, title: str, columns: list[Column], like: list[Row]) -> None:
        self._book, self._title, self._columns = book, title, columns
        self._widths = [_width(column, [row[number] for row in like]) for number, column in enumerate(columns)]
        self._cells = book.cells(columns)
        self._row: int = 1
        self._begin()

    def write(self, rows: Iterable[Row]) -> None:
        """Add rows below."""
        rest = iter(rows)
        while some := list(islice(rest, min(_AT_ONCE, MOST_ROWS - self._row) or 1)):
            if self._row == MOST_ROWS:
                self.end()
                self._begin()
            self._row = self._sheet.append(self._row, some, self._cells)

    def end(self) -> None:
        """No more rows: what there is can be filtered."""
        if self._columns:
            self._sheet.autofilter(0, 0, max(self._row - 1, 0), len(self._columns) - 1)

    def _begin(self) -> None:
        self._sheet = self._book.sheet(self._title)
        for number, width in enumerate(self._widths):
            self._sheet.set_column(number, number, width)
        self._book.header(self._sheet, [column.name.replace("_", " ") for column in self._columns])
        self._row = 1


def _category(sheet: Sheet, row: int, category: date | str | float, days: Any) -> None:
    if isinstance(category, datetime | date):
        sheet.write_number(row, 0, xlsx_cells.serial(category), days)
    elif isinstance(category, str):
        sheet.write_string(row, 0, xlsx_cells.fitting(category))
    else:
        sheet.write_number(row, 0, category)


def _width(column: Column, values: list[Any]) -> float:
    """So wide that most cells can be read, and the words of the name."""
    words: Iterator[int] = chain((len(word) + 3 for word in column.name.split("_")), (xlsx_cells.width(value, column) for value in values))
    return min(max(_NARROWEST, *words), _WIDEST)
