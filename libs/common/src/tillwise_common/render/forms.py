"""The forms in which an answer comes, and how each is made."""

from __future__ import annotations

from typing import NamedTuple

from tillwise_common.contracts import reports
from tillwise_common.render.csv import render_csv
from tillwise_common.render.document import TooLarge, of_answer


class Form(NamedTuple):
    """A form: its media type, and how many rows it is made of at once at most (None: any number)."""

    media: str
    most_rows: int | None = None


FORMS = {
    "csv": Form("text/csv"),
    "xlsx": Form("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    "pdf": Form("application/pdf"),
    "svg": Form("image/svg+xml"),
    "png": Form("image/png"),
}


class NoSuchChart(Exception):
    """The answer has no chart of that number."""


def render(body: bytes, form: str, title: str | None = None, chart: int = 1) -> bytes:
    """A report's answer (its JSON) in a form. Raises TooLarge, NoSuchChart, BadChart.

    A module of its own for each form is imported when it is asked for: they cost memory.
    """
    answer = reports.decode_answer(body)
    if form == "csv":
        return render_csv(answer)
    if form in ("svg", "png"):
        from tillwise_common.render import chart as charts

        if not 0 < chart <= len(answer.charts):
            raise NoSuchChart(f"this answer has {len(answer.charts)} charts" if answer.charts else "this answer has no chart")
        spec = answer.charts[chart - 1]
        return charts.png(spec) if form == "png" else charts.svg(spec).encode()
    document = of_answer(answer, title)
    if form == "xlsx":
        from tillwise_common.render.xlsx import render_xlsx

        return render_xlsx(document)
    from tillwise_common.render.pdf import render_pdf

    return render_pdf(document)


__all__ = ["FORMS", "Form", "NoSuchChart", "TooLarge", "render"]
