"""PDF by typst: what a person prints or sends on. Complete or refused, never cut off silently."""

from __future__ import annotations

import json
import textwrap
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import typst

from tillwise_common.contracts.reports import Column
from tillwise_common.render import chart
from tillwise_common.render.document import Document, Row, Table, TooLarge
from tillwise_common.render.shown import show

# Beyond, nobody reads it, and the typesetter takes too long and too much memory (half a gigabyte).
MOST_CELLS = 24_000
# Tags tell screen readers what is a table; of a large one they are most of the file.
_MOST_TAGGED = 5_000
_LEFT = ("text", "date", "datetime", "boolean")
# What fits a line: of each paper, its width in points between the margins.
PAPERS = (("a4", False, 525.0), ("a4", True, 771.0), ("a3", True, 1120.0))
SIZES = (9.0, 8.5, 8.0, 7.5, 7.0)
_SMALLEST = 6.5
# The mean width of a character and what a cell has around it, in sizes of the type.
_CHARACTER, _GUTTER = 0.5, 1.2
_WIDEST_TEXT = 30


class Paper(NamedTuple):
    """The sheet, whether it lies, and the size of the type in the tables."""

    name: str
    landscape: bool
    size: float


def render_pdf(document: Document, most_cells: int = MOST_CELLS) -> bytes:
    """The document as PDF. Raises TooLarge, BadChart."""
    zone = ZoneInfo(document.timezone)
    tables = [_table(table, zone) for table in _read(document.tables, most_cells)]
    paper = _paper([table["widths"] for table in tables])
    data = {
        "title": document.title,
        "store": document.store,
        "timezone": document.timezone,
        "generated": document.generated,
        "params": document.params,
        "figures": document.figures,
        "model": document.model,
        "charts": [{"title": _words(spec.get("title")), "svg": chart.svg(spec, titled=False)} for spec in document.charts],
        "tables": tables,
        "notes": document.notes,
        "paper": paper._asdict(),
        "font": chart.FONT,
    }
    # Words of a shop go in as data, which typst shows and never reads as its own language.
    tagged = sum(len(table["rows"]) * len(table["heads"]) for table in tables) <= _MOST_TAGGED
    made = _compiler().compile(_template(), format="pdf", sys_inputs={"data": json.dumps(data)}, pdf_tags=tagged)
    assert isinstance(made, bytes)
    return made


def _read(tables: list[Table], most_cells: int) -> list[Table]:
    """The tables with their rows at hand. Raises TooLarge."""
    found, left = [], most_cells
    for table in tables:
        rows: list[Row] = []
        for row in table.rows:
            rows.append(row)
            left -= len(table.columns)
            if left < 0:
                most = f"{most_cells // max(len(table.columns), 1):,}"
                raise TooLarge(f"a PDF holds at most {most} rows of {len(table.columns)} columns: ask for fewer, or for CSV or XLSX")
        found.append(Table(table.title, table.columns, rows))
    return found


def _table(table: Table, zone: ZoneInfo) -> dict[str, Any]:
    heads = [_head(column) for column in table.columns]
    rows = [[_cell(value, column, zone) for value, column in zip(row, table.columns, strict=True)] for row in table.rows]
    return {
        "title": table.title,
        "heads": heads,
        "left": [column.type in _LEFT for column in table.columns],
        "widths": [_width(head, [row[number] for row in rows]) for number, head in enumerate(heads)],
        "rows": rows,
    }


def _head(column: Column) -> str:
    """The name, and the unit once for all cells below."""
    name = column.name.replace("_", " ")
    return f"{name} ({column.unit})" if column.unit else name


def _cell(value: Any, column: Column, zone: ZoneInfo) -> str:
    text = show(value, column, zone)
    return text.removesuffix(f" {column.unit}") if column.unit and column.type in ("money", "duration") else text


def _width(head: str, cells: list[str]) -> float:
    """Characters that a column wants: names may break between words, long texts where they must."""
    return max(4, *(len(word) for word in head.split()), min(_WIDEST_TEXT, max(map(len, cells), default=0)))


def _paper(tables: list[list[float]]) -> Paper:
    """The smallest sheet, and on it the largest type, that the widest table fits."""
    for name, landscape, room in PAPERS:
        for size in SIZES:
            if all(sum(widths) * size * _CHARACTER + len(widths) * size * _GUTTER <= room for widths in tables):
                return Paper(name, landscape, size)
    return Paper(*PAPERS[-1][:2], _SMALLEST)


def _words(title: Any) -> str:
    """A title of Vega-Lite: words, or words with more about them."""
    text = title.get("text", "") if isinstance(title, dict) else title or ""
    return textwrap.shorten(" ".join(text) if isinstance(text, list) else str(text), 200)


@cache
def _compiler() -> Any:
    return typst.Compiler(font_paths=[str(chart.FONTS)])


@cache
def _template() -> bytes:
    return files("tillwise_common.render").joinpath("document.typ").read_bytes()
