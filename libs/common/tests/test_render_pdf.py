"""PDF: complete, with page numbers, and no word of a shop is taken for markup."""

from __future__ import annotations

import io

import pypdf
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tillwise.testing import examples
from tillwise_common.contracts.reports import Column, StoreSummary
from tillwise_common.render.document import TooLarge, of_answer
from tillwise_common.render.forms import NoSuchChart, render
from tillwise_common.render.pdf import render_pdf

from .answers_of_render import answer, body


def pages(made: bytes) -> list[str]:
    return [page.extract_text() for page in pypdf.PdfReader(io.BytesIO(made)).pages]


def test_a_report_tells_store_parameters_zone_moment_figures_and_notes() -> None:
    (text,) = pages(render_pdf(of_answer(answer(), "Sales trend")))
    for word in ("Sales trend", "Kaffee & Söhne", "Europe/Berlin", "2026-03-02 13:00", "metric", "1,234.56", "25.0%", "after discounts",
                 "page 1 of 1"):  # fmt: skip
        assert word in text


def test_all_rows_are_there_and_every_page_has_the_header_and_its_number() -> None:
    rows = [[f"sku-{n}", n] for n in range(300)]
    made = pages(render_pdf(of_answer(answer(columns=[Column("sku", "text"), Column("amount", "count")], rows=rows, charts=[], totals={}))))
    assert len(made) > 3
    assert all(f"sku-{n}" in " ".join(made) for n in range(300))
    with_rows = [text for text in made if "sku-" in text]
    assert all("amount" in text for text in with_rows)
    assert [f"page {n} of {len(made)}" in text for n, text in enumerate(made, 1)] == [True] * len(made)


def test_charts_are_vector_graphics() -> None:
    (page,) = pypdf.PdfReader(io.BytesIO(render_pdf(of_answer(answer())))).pages
    assert list(page.images) == []


@pytest.mark.parametrize(("columns", "lies"), [(3, False), (16, True), (40, True)])
def test_many_columns_lie_on_their_side(columns: int, lies: bool) -> None:
    names = [Column(f"column_{n}", "money", "EUR") for n in range(columns)]
    made = render_pdf(of_answer(answer(columns=names, rows=[[1_234_567] * columns], charts=[], totals={})))
    page = pypdf.PdfReader(io.BytesIO(made)).pages[0]
    assert (page.mediabox.width > page.mediabox.height) is lies


def test_too_many_rows_are_refused_with_what_to_do_instead() -> None:
    with pytest.raises(TooLarge, match=r"at most 50 rows of 2 columns.*CSV or XLSX"):
        render_pdf(of_answer(answer(columns=[Column("a", "count"), Column("b", "count")], rows=[[1, 2]] * 51, charts=[], totals={})), 100)


MARKUP = ["#sys.inputs", "*bold* _it_", "= Heading", "$x^2$", "#read(\"/etc/passwd\")", "`raw`", "<label>", "@ref", "\\", "#[", "//",
          "/* x", "{", "\"]", "\u202e", "${x}", "%", "a#b"]  # fmt: skip


@pytest.mark.parametrize("text", ["*bold* _it_", "= Heading", "$x^2$", '#read("/etc/passwd")', "`raw`", "<label>", "// gone?"])
def test_markup_is_shown_as_it_is_written(text: str) -> None:
    made = render_pdf(of_answer(answer(columns=[Column("c", "text")], rows=[[text]], notes=[text], charts=[], totals={})))
    assert pages(made)[0].count(text) == 2


@settings(max_examples=examples(15), deadline=None)
@given(texts=st.lists(st.one_of(st.sampled_from(MARKUP), st.text(max_size=30)), min_size=5, max_size=40))
def test_no_text_stops_the_typesetter(texts: list[str]) -> None:
    rows = [[text] for text in texts]
    store = StoreSummary(1, texts[0], "EUR")
    params, named = {text: text for text in texts}, [Column("c", "text")]
    assert render_pdf(of_answer(answer(store=store, columns=named, rows=rows, params=params, notes=texts, charts=[]))).startswith(b"%PDF")


def test_a_report_without_rows_is_still_a_page() -> None:
    (text,) = pages(render_pdf(of_answer(answer(rows=[], charts=[], totals={}, notes=["No sales in this period."]))))
    assert "No sales in this period." in text


def test_a_chart_that_is_not_there_is_said_to_be_missing() -> None:
    with pytest.raises(NoSuchChart, match="charts 1 to 1"):
        render(body(), "svg", chart=2)
    with pytest.raises(NoSuchChart, match="no chart"):
        render(body(charts=[]), "png")
