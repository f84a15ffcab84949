"""A workbook's first sheet as lines of CSV, row by row: whatever reads CSV reads it, and the number of a line is that of its row."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from tillwise_common.imports.columns import Wording
from tillwise_common.imports.problems import Unusable

SUFFIX = ".xlsx"
DELIMITER = ","
# What is not rows (texts that cells share, styles) is read at once.
LARGEST_REST = 256 * 1024 * 1024
# Of a sheet, in its own words, what may lie between two ends of rows.
LARGEST_ROW, PIECE = 64 * 1024 * 1024, 1024 * 1024
# Whatever a damaged or crafted workbook can make its reader raise.
_BROKEN = (InvalidFileException, zipfile.BadZipFile, OSError, EOFError, KeyError, ValueError, TypeError, IndexError, SyntaxError,
           AttributeError, NotImplementedError)  # fmt: skip
_ONE_LINE = str.maketrans("\r\n\0", "   ")


class RowProgress:
    """How many rows of a sheet have been read; of how many, only the sheet itself says, and not always truly."""

    def __init__(self, size: int) -> None:
        self.size, self._done = size, 0

    def step(self) -> None:
        self._done += 1

    def done(self) -> int:
        return min(self._done, self.size) if self.size else self._done


@contextmanager
def open_sheet(path: Path, wording: Wording) -> Iterator[tuple[Iterator[str], RowProgress]]:
    """The rows of the first sheet, with dates and numbers as `wording` says that they are written. Raises Unusable."""
    try:
        _check_size(path)
        book = load_workbook(path, read_only=True, data_only=True, keep_links=False)
    except _BROKEN as error:
        raise _unusable(path, error) from None
    try:
        if not book.worksheets:
            raise Unusable(f"{path} has no sheet with rows")
        sheet = book.worksheets[0]
        progress = RowProgress(int(sheet.max_row or 0))
        # Sheets tell their size wrongly, and then rows would be cut.
        sheet.reset_dimensions()
        yield _lines(path, sheet, wording, progress), progress
    finally:
        book.close()


def _check_size(path: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        sheets = [one for one in archive.infolist() if one.filename.startswith("xl/worksheets/")]
        rest = sum(one.file_size for one in archive.infolist()) - sum(one.file_size for one in sheets)
        if rest > LARGEST_REST:
            raise Unusable(f"{path} holds too many different texts for a workbook: save it as CSV")
        for sheet in sheets:
            if sheet.file_size > LARGEST_ROW:
                _check_rows(path, archive, sheet)


def _check_rows(path: Path, archive: zipfile.ZipFile, sheet: zipfile.ZipInfo) -> None:
    """Look at a sheet before it is parsed: what a parser must keep at once is a row, and ten gigabytes of one pack into ten megabytes."""
    since, end = 0, b""
    with archive.open(sheet) as file:
        while piece := file.read(PIECE):
            text = end + piece
            last = text.rfind(b"</row>")
            since = since + len(piece) if last < 0 else len(text) - last
            if since > LARGEST_ROW or b"<![" in text:
                raise Unusable(f"{path} has a row that no workbook has: save it as CSV")
            end = piece[-5:]


def _lines(path: Path, sheet: Any, wording: Wording, progress: RowProgress) -> Iterator[str]:
    rows, width = sheet.iter_rows(values_only=True), 0
    while True:
        try:
            row = next(rows, None)
        except _BROKEN as error:
            raise _unusable(path, error) from None
        if row is None:
            return
        progress.step()
        cells = _trimmed([_text(cell, wording) for cell in row])
        width = width or len(cells)
        # Empty cells at the end are not there.
        yield _line(cells + [""] * (width - len(cells)) if cells else [])


def _trimmed(cells: list[str]) -> list[str]:
    while cells and not cells[-1]:
        cells.pop()
    return cells


def _line(cells: list[str]) -> str:
    out = io.StringIO()
    csv.writer(out, delimiter=DELIMITER).writerow(cells)
    return out.getvalue()


def _text(value: Any, wording: Wording) -> str:
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case float():
            # As a spreadsheet shows it: the last digits of binary fractions are noise.
            return _plain(value).replace(".", wording.decimal)
        case datetime():
            return value.strftime(wording.date_format) if wording.date_format else value.isoformat(" ")
        case date() | time():
            return value.isoformat()
    return str(value).translate(_ONE_LINE).strip()


def _plain(value: float) -> str:
    text = f"{value:.15g}"
    return text if "e" not in text else f"{value:.15f}".rstrip("0").rstrip(".")


def _unusable(path: Path, error: Exception) -> Unusable:
    return Unusable(f"{path} is no workbook that can be read ({type(error).__name__}): save it as .xlsx or CSV")
