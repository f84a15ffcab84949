"""The forms in which a report's answer comes, and how each is made."""

from __future__ import annotations

from tillwise_common.contracts import reports
from tillwise_common.contracts.reports import ReportAnswer
from tillwise_common.render.csv import render_csv
from tillwise_common.render.document import Unmakeable, of_answer

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
# Their media types.
FORMS = {"csv": "text/csv", "xlsx": XLSX, "pdf": "application/pdf", "svg": "image/svg+xml", "png": "image/png"}


class NoSuchChart(Unmakeable):
    """The answer has no chart of that number."""


def render(body: bytes, form: str, title: str | None = None, *, chart: int = 1, most_cells: int | None = None) -> bytes:
    """A report's answer (its JSON) in a form; `chart` is the number of the one to draw, and a PDF has at most so many cells.

    Raises Unmakeable. The module of a form is imported when it is asked for: they cost memory.
    """
    answer = reports.decode_answer(body)
    if form == "csv":
        return render_csv(answer)
    if form in ("svg", "png"):
        return _picture(answer, form, chart)
    if form == "xlsx":
        from tillwise_common.render.xlsx import render_xlsx

        return render_xlsx(of_answer(answer, title))
    from tillwise_common.render.pdf import MOST_CELLS, render_pdf

    return render_pdf(of_answer(answer, title), most_cells or MOST_CELLS)


def _picture(answer: ReportAnswer, form: str, number: int) -> bytes:
    from tillwise_common.render import chart

    if not 0 < number <= len(answer.charts):
        raise NoSuchChart(f"this answer has charts 1 to {len(answer.charts)}" if answer.charts else "this answer has no chart")
    spec = answer.charts[number - 1]
    return chart.png(spec) if form == "png" else chart.svg(spec).encode()
