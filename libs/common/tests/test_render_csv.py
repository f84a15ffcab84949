"""CSV of a report: what spreadsheets and programs read, and nothing that a spreadsheet would run."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tillwise_common.contracts.reports import Column, ReportAnswer, StoreSummary
from tillwise_common.money import exponent, flaw_of_currency, format_minor
from tillwise_common.render.csv import FORMULA, render_csv, stream_csv


def table(columns: list[Column], *rows: list[Any]) -> bytes:
    store = StoreSummary(1, "Shop", "EUR")
    return render_csv(ReportAnswer("trend", {}, store, "UTC", "2026-01-01T00:00:00+00:00", columns, list(rows), {}, [], []))


def one(kind: Any, value: Any, unit: str | None = None) -> str:
    (_, (cell,)) = csv.reader(io.StringIO(table([Column("c", kind, unit)], [value]).decode(), newline=""))
    return cell


def test_a_text_that_is_empty_is_written_out_and_told_from_nothing() -> None:
    assert [one("text", value) for value in ("", None, "(none)", "web")] == ["(none)", "", "(none) (named so)", "web"]


def test_rows_end_as_rfc_4180_says() -> None:
    assert table([Column("bucket", "date"), Column("value", "count")], ["2026-01-01", 3]) == b"bucket,value\r\n2026-01-01,3\r\n"


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        (123450, "EUR", "1234.50"),
        (-5, "EUR", "-0.05"),
        (0, "USD", "0.00"),
        (1234, "JPY", "1234"),
        (-1, "KWD", "-0.001"),
        (10**17, "EUR", "1" + "0" * 15 + ".00"),
    ],
)
def test_money_is_in_major_units_and_exact(amount: int, currency: str, text: str) -> None:
    assert one("money", amount, currency) == format_minor(amount, currency) == text


@pytest.mark.parametrize(
    ("mean", "currency", "text"),
    [(2983.5, "EUR", "29.835"), (1490.0, "EUR", "14.900"), (70 / 3, "JPY", "23.333333333333332"), (-0.5, "KWD", "-0.0005")],
)
def test_a_mean_of_money_keeps_every_digit(mean: float, currency: str, text: str) -> None:
    assert one("money", mean, currency) == text


def test_currencies_have_the_decimals_of_iso_4217() -> None:
    assert [exponent(c) for c in ("EUR", "JPY", "KRW", "KWD", "TND", "CLF", "XXX")] == [2, 0, 0, 3, 3, 4, 2]


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("eur", "in capitals: EUR"), ("Usd ", "in capitals: USD"), ("XYZ", "'XYZ' is no currency"), ("XXX", "no currency"),
        ("XAU", "no currency"), ("", "no currency"), ("€", "no currency"), ("x" * 999, "xxx' is no currency"),
    ],
)  # fmt: skip
def test_what_is_no_currency_is_told_with_what_to_write(code: str, said: str) -> None:
    flaw = flaw_of_currency(code)
    assert flaw is not None
    assert said in flaw
    assert len(flaw) < 120
    assert [flaw_of_currency(real) for real in ("EUR", "JPY", "KWD", "XCG", "ZWG")] == [None] * 5


@pytest.mark.parametrize("first", [*"=+-@", "\t", "\r", "\uff1d", "\uff0b", "\uff0d", "\uff20"])
def test_text_that_a_spreadsheet_would_run_is_defused(first: str) -> None:
    assert one("text", f"{first}cmd|' /C calc'!A0") == f"'{first}cmd|' /C calc'!A0"


def test_numbers_stay_numbers_also_below_zero() -> None:
    assert [one("count", -3), one("money", -300, "EUR"), one("percent", -0.25), one("number", -1.5)] == ["-3", "-3.00", "-0.25", "-1.5"]


@pytest.mark.parametrize("text", ['say "hi"', "a,b", "two\nlines", "Größe ☕"])
def test_text_comes_back_as_it_was(text: str) -> None:
    assert one("text", text) == text


def test_nothing_is_an_empty_cell_and_booleans_are_words() -> None:
    columns = [Column("a", "money", "EUR"), Column("b", "text"), Column("c", "boolean"), Column("d", "boolean")]
    assert table(columns, [None, None, True, False]).splitlines()[1] == b",,true,false"


@given(texts=st.lists(st.one_of(st.text(max_size=20), st.text(alphabet=FORMULA + 'a1",; \u00a0', max_size=5)), min_size=1, max_size=20))
def test_no_text_of_any_kind_can_begin_a_formula_and_each_comes_back(texts: list[str]) -> None:
    lines = list(csv.reader(io.StringIO(table([Column("c", "text")], *[[text] for text in texts]).decode(), newline="")))
    for text, (cell,) in zip(texts, lines[1:], strict=True):
        assert not cell.startswith(tuple(FORMULA))
        assert cell in (text, f"'{text}", "(none)", f"{text} (named so)")


def test_rows_are_written_as_they_come() -> None:
    read: list[int] = []

    def rows() -> Iterator[list[int]]:
        for number in range(5000):
            read.append(number)
            yield [number]

    parts = stream_csv([Column("c", "count")], rows())
    next(parts)
    next(parts)
    assert len(read) < 2000
    assert b"".join(parts).endswith(b"4999\r\n")
