"""The links under a report: the same answer as a file."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import urlencode

from tillwise_common.contracts.reports import ReportAnswer


class Download(NamedTuple):
    """A link, what it says, and what it says to those who hear it."""

    title: str
    about: str
    link: str


_ABOUT = {"csv": "for programs", "xlsx": "for Excel and its kin", "pdf": "to print", "png": "the chart as a picture"}


def downloads(report: str, asked: dict[str, str], answer: ReportAnswer) -> list[Download]:
    """The forms in which an answer can be had; a picture only of one that has a chart."""
    return [
        Download(form.upper(), about, f"/api/v1/reports/{report}?{urlencode({**asked, 'format': form})}")
        for form, about in _ABOUT.items()
        if form != "png" or answer.charts
    ]
