"""Workbooks: typed cells, row by row, and the same events as from the same file as CSV."""

from __future__ import annotations

import tracemalloc
import zipfile
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import openpyxl
import pytest
import xlsxwriter

from tillwise_common.imports import choosing
from tillwise_common.imports.columns import Wording
from tillwise_common.imports.model import Outgoing, Target
from tillwise_common.imports.problems import Unusable

TARGET = Target(ZoneInfo("Europe/Berlin"), 2, "EUR")
HEADER = ["Order", "Date", "SKU", "Quantity", "Price"]


def workbook(path: Path, rows: list[list[Any]]) -> Path:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    book.save(path)
    return path


def read(path: Path, kind: Any = "orders", wording: Wording | None = None) -> tuple[list[Outgoing], dict[int, str]]:
    rejected: dict[int, str] = {}
    wording = wording or Wording()
    with choosing.opened(path, "xlsx", wording) as (lines, _):
        found = choosing.adapter(kind, "xlsx", wording).events(lines, TARGET, rejected.__setitem__)
        return list(found), rejected


def test_numbers_and_dates_are_read_as_what_they_are(tmp_path):
    rows = [HEADER, [1001, datetime(2024, 3, 1, 10, 30), "A;1", 2, 0.1 + 0.2], ["1002", date(2024, 3, 2), 7, 1, 19.99]]
    found, rejected = read(workbook(tmp_path / "a.xlsx", rows))
    assert rejected == {}
    assert [(out.event["data"]["order_id"], out.event["occurred_at"], out.event["data"]["lines"]) for out in found] == [
        ("1001", "2024-03-01T10:30:00+01:00", [{"sku": "A;1", "quantity": 2, "unit_price": 30}]),
        ("1002", "2024-03-02T00:00:00+01:00", [{"sku": "7", "quantity": 1, "unit_price": 1999}]),
    ]


def test_texts_are_read_as_the_mapping_says_and_typed_cells_all_the_same(tmp_path):
    wording = Wording(decimal=",", date_format="%d.%m.%Y")
    rows = [HEADER, ["1", "01.03.2024", "A", 1, "1.234,50"], ["2", datetime(2024, 3, 2), "A", 1, 1234.5]]
    found, rejected = read(workbook(tmp_path / "a.xlsx", rows), wording=wording)
    assert rejected == {}
    assert [(out.minor, str(out.day)) for out in found] == [(123450, "2024-03-01"), (123450, "2024-03-02")]


def test_lines_are_told_by_the_row_of_the_sheet_whatever_stands_above(tmp_path):
    rows = [[], HEADER, [], ["1", "2024-03-01", "A\nB", 1, 1], ["2", "2024-03-01", "A", 1.5, 1], ["3", "2024-03-01"]]
    found, rejected = read(workbook(tmp_path / "a.xlsx", rows))
    assert ([out.rows for out in found], rejected) == ([[4]], {5: "bad_quantity", 6: "missing_sku"})
    assert found[0].event["data"]["lines"][0]["sku"] == "A B"


def test_the_same_orders_have_the_same_ids_as_from_csv(tmp_path):
    found, _ = read(workbook(tmp_path / "a.xlsx", [HEADER, ["1", "2024-03-01", "A", 1, 1]]))
    as_csv = choosing.adapter("orders", "csv", Wording()).events(
        iter(["Order,Date,SKU,Quantity,Price\n", "1,2024-03-01,A,1,1\n"]), TARGET, lambda *_: None
    )
    assert [out.event for out in found] == [out.event for out in as_csv]


def test_stock_is_read_from_workbooks_too(tmp_path):
    rows = [["sku", "quantity", "reason", "occurred_at"], ["A", -2, "sale", datetime(2024, 3, 1)], ["A", 5, "gift", datetime(2024, 3, 1)]]
    found, rejected = read(workbook(tmp_path / "a.xlsx", rows), "stock")
    assert ([out.event["data"] for out in found], rejected) == ([{"sku": "A", "quantity": -2, "reason": "sale"}], {3: "bad_reason"})


@pytest.mark.parametrize("body", [b"", b"PK\3\4 no workbook", b"Order,Date\n"])
def test_what_is_no_workbook_is_told_in_one_line(tmp_path, body):
    path = tmp_path / "a.xlsx"
    path.write_bytes(body)
    with pytest.raises(Unusable, match="is no workbook"):
        read(path)


def test_an_archive_of_something_else_is_no_workbook(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.xlsx", "w") as archive:
        archive.writestr("a.txt", "a")
    with pytest.raises(Unusable, match="is no workbook"):
        read(tmp_path / "a.xlsx")


def test_a_workbook_that_unpacks_to_more_than_it_may_is_refused_unread(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.xlsx", "w", zipfile.ZIP_DEFLATED) as archive, archive.open("xl/sharedStrings.xml", "w") as file:
        for _ in range(300):
            file.write(bytes(1024 * 1024))
    with pytest.raises(Unusable, match="too many different texts"):
        read(tmp_path / "a.xlsx")


def test_a_row_that_unpacks_to_more_than_the_memory_is_refused_before_it_is_parsed(tmp_path):
    workbook(tmp_path / "good.xlsx", [HEADER])
    with zipfile.ZipFile(tmp_path / "good.xlsx") as good, zipfile.ZipFile(tmp_path / "a.xlsx", "w", zipfile.ZIP_DEFLATED) as bad:
        for one in good.infolist():
            if not one.filename.startswith("xl/worksheets/"):
                bad.writestr(one.filename, good.read(one))
        with bad.open("xl/worksheets/sheet1.xml", "w") as file:
            file.write(b'<worksheet><sheetData><row r="1"></row><row r="2"><c r="A2" t="inlineStr"><is><t>')
            for _ in range(70):
                file.write(b"x" * 1024 * 1024)
    with pytest.raises(Unusable, match="a row that no workbook has"):
        read(tmp_path / "a.xlsx")


def test_entities_that_multiply_are_no_workbook(tmp_path):
    workbook(tmp_path / "good.xlsx", [HEADER])
    levels = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 50}">' for n in range(1, 9))
    rows = '<sheetData><row r="1"><c><v>&e8;</v></c></row></sheetData>'
    bomb = f'<!DOCTYPE x [<!ENTITY e0 "{"x" * 100}">{levels}]><worksheet>{rows}</worksheet>'
    with zipfile.ZipFile(tmp_path / "good.xlsx") as good, zipfile.ZipFile(tmp_path / "a.xlsx", "w") as bad:
        for one in good.infolist():
            bad.writestr(one.filename, bomb if one.filename.startswith("xl/worksheets/") else good.read(one))
    with pytest.raises(Unusable, match="is no workbook"):
        read(tmp_path / "a.xlsx")


def test_memory_does_not_grow_with_the_rows(tmp_path):
    def peak(rows: int) -> int:
        path = tmp_path / f"{rows}.xlsx"
        with xlsxwriter.Workbook(path, {"constant_memory": True}) as book:
            sheet = book.add_worksheet()
            for number, row in enumerate([HEADER, *([str(n), "2024-03-01", "A", 1, 1] for n in range(rows))]):
                sheet.write_row(number, 0, row)
        tracemalloc.start()
        try:
            with choosing.opened(path, "xlsx", Wording()) as (lines, _):
                assert sum(1 for _ in lines) == rows + 1
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    # Kept rows would make it three times as much.
    assert peak(6_000) < 2 * peak(2_000)
