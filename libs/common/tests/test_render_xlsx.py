"""Workbooks: cells are what they mean, texts stay texts, nothing is lost beyond a sheet's end."""

from __future__ import annotations

import io
from datetime import datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tillwise.testing import examples
from tillwise_common.contracts.reports import Column, StoreSummary
from tillwise_common.render import xlsx
from tillwise_common.render.document import Table, of_answer
from tillwise_common.render.xlsx import Workbook, render_xlsx

from .answers_of_render import COLUMNS, LINE, answer


def read(made: bytes) -> Any:
    return openpyxl.load_workbook(io.BytesIO(made))


def test_numbers_days_money_and_percents_are_native() -> None:
    sheet = read(render_xlsx(of_answer(answer()))).worksheets[0]
    day, at, group, value, yen, share, orders, partial = sheet[2]
    assert [cell.value for cell in sheet[1]] == [column.name for column in COLUMNS]
    assert (day.value, day.number_format) == (datetime(2026, 3, 1), "yyyy-mm-dd")
    assert (at.value, at.number_format) == (datetime(2026, 3, 1, 13, 30), "yyyy-mm-dd hh:mm")
    assert (value.value, value.number_format) == (1234.56, '#,##0.00 "EUR"')
    assert (yen.value, yen.number_format) == (500, '#,##0 "JPY"')
    assert (share.value, share.number_format) == (0.25, "0.0%")
    assert (group.value, orders.value, orders.number_format, partial.value) == ("web", 3, "#,##0", True)


def test_nothing_is_an_empty_cell_and_an_empty_text_is_told_as_everywhere() -> None:
    cells = [cell.value for cell in read(render_xlsx(of_answer(answer()))).worksheets[0][3]]
    assert cells == [None, None, "(none)", None, None, None, None, None]


def test_the_header_is_bold_stays_in_sight_and_filters() -> None:
    sheet = read(render_xlsx(of_answer(answer()))).worksheets[0]
    assert (sheet["A1"].font.bold, sheet.freeze_panes, sheet.auto_filter.ref) == (True, "A2", "A1:H3")


def test_each_table_has_a_sheet_and_one_says_what_was_asked() -> None:
    book = read(render_xlsx(of_answer(answer())))
    assert book.sheetnames == ["Trend", "Groups", "Chart", "About"]
    said = [cell.value for row in book["About"].iter_rows() for cell in row if cell.value]
    for word in ("Kaffee & Söhne", "Europe/Berlin", "2026-03-02 13:00", "metric", "sales", "Net: after discounts."):
        assert word in said
    assert "cumulative" not in said


def test_the_first_chart_is_a_native_one_with_its_figures() -> None:
    sheet = read(render_xlsx(of_answer(answer())))["Chart"]
    assert len(sheet._charts) == 1
    assert [[cell.value for cell in row] for row in sheet.iter_rows()][1:] == [[datetime(2026, 3, 1), 1234.56], [datetime(2026, 3, 2), 7]]


@pytest.mark.parametrize("chart", [{**LINE, "mark": "geoshape"}, {**LINE, "data": {"values": []}}, {"mark": "bar"}, {}])
def test_a_chart_that_a_spreadsheet_cannot_draw_is_left_out(chart: dict[str, Any]) -> None:
    assert "Chart" not in read(render_xlsx(of_answer(answer(charts=[chart])))).sheetnames


ADVERSARIAL = st.one_of(
    st.sampled_from(["=1+1", "+1", "-1", "@SUM(A1)", "{=A1}", "=HYPERLINK(\"http://x\")", "http://example.com", "mailto:a@b.c",
                     "internal:Sheet1!A1", "\t=1", "12", "_x0041_", "a\x00b", "a\x0bb", "\ufffe", "<b>&\"'"]),
    st.text(max_size=50),
)  # fmt: skip


INJECTED = '<r><t>x</t></r></is></c><c r="B9"><f>HYPERLINK("http://x")</f></c><c><is><r></r>'


@pytest.mark.parametrize("text", [INJECTED, "<r></r>", "<r>a & b</r>"])
def test_a_text_that_looks_like_the_inside_of_a_workbook_is_a_text_everywhere(text: str) -> None:
    store, chart = StoreSummary(1, text, "EUR"), {**LINE, "title": text}
    book = read(render_xlsx(of_answer(answer(store=store, columns=[Column("c", "text")], rows=[[text]], notes=[text], charts=[chart]))))
    assert (book.worksheets[0]["A2"].value, book["About"]["B2"].value) == (text, text)
    assert not any(cell.data_type == "f" for sheet in book for row in sheet.iter_rows() for cell in row)


@settings(max_examples=examples(60), deadline=None)
@given(texts=st.lists(ADVERSARIAL, min_size=1, max_size=20))
def test_no_text_becomes_a_formula_a_link_or_a_number(texts: list[str]) -> None:
    made = render_xlsx(of_answer(answer(columns=[Column("c", "text")], rows=[[text] for text in texts], charts=[], totals={})))
    sheet = read(made).worksheets[0]
    for text, cell in zip(texts, sheet["A"][1:], strict=True):
        assert (cell.data_type in ("s", "inlineStr"), cell.hyperlink) == (True, None)
        if text.isprintable() and "_x" not in text:
            assert cell.value in (text, "(none)", f"{text} (named so)")
    assert sheet.max_row == len(texts) + 1


@pytest.mark.parametrize(
    ("text", "kept"), [("x" * 32_767, 32_767), ("x" * 40_000, 32_767), ("☕" * 40_000, 32_767), ("😀" * 20_000, 16_384)]
)
def test_a_text_that_is_too_long_for_a_cell_ends_with_a_sign_that_there_is_more(text: str, kept: int) -> None:
    made = render_xlsx(of_answer(answer(columns=[Column("c", "text")], rows=[[text]], totals={})))
    found = read(made).worksheets[0]["A2"].value
    assert (len(found), found == text or found[-1] == "…") == (kept, True)


def test_rows_beyond_a_sheet_go_on_in_the_next_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xlsx, "MOST_ROWS", 4)
    book = read(render_xlsx(of_answer(answer(columns=[Column("c", "count")], rows=[[n] for n in range(7)], charts=[], totals={}))))
    assert book.sheetnames == ["Trend", "Trend (2)", "Trend (3)", "About"]
    assert [[cell.value for cell in book[name]["A"]] for name in book.sheetnames[:3]] == [["c", 0, 1, 2], ["c", 3, 4, 5], ["c", 6]]


@pytest.mark.parametrize("title", ["a" * 40, "[x]:*?/\\", "'", "History", "", "a\nb"])
def test_every_title_becomes_a_name_that_spreadsheets_take(title: str) -> None:
    target = io.BytesIO()
    with Workbook(target) as book:
        book.table(Table(title, [Column("c", "count")], [[1]]))
        book.table(Table(title.upper(), [Column("c", "count")], [[1]]))
    names = read(target.getvalue()).sheetnames
    assert len({name.lower() for name in names}) == 2
    assert all(0 < len(name) <= 31 for name in names)


def test_a_workbook_that_is_given_up_leaves_no_files(tmp_path: Path) -> None:
    def rows() -> Any:
        yield [1]
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"), Workbook(tmp_path / "a.xlsx", tmp_path) as book:
        book.table(Table("t", [Column("c", "count")], rows()))
    assert list(tmp_path.iterdir()) == []


def test_days_before_spreadsheets_count_are_texts() -> None:
    made = render_xlsx(of_answer(answer(columns=[Column("c", "date")], rows=[["1899-05-01"], ["1900-03-01"]], charts=[], totals={})))
    assert [cell.value for cell in read(made).worksheets[0]["A"][1:]] == ["1899-05-01", datetime(1900, 3, 1)]
