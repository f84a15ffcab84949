"""Charts are drawn here, with nothing fetched from anywhere."""

from __future__ import annotations

from typing import Any

import pytest

from tillwise_common.render import chart, series
from tillwise_common.render.chart import BadChart

from .answers_of_render import LINE


def test_one_specification_makes_both_pictures() -> None:
    assert chart.svg(LINE).startswith("<svg")
    assert "Sales (EUR)" in chart.svg(LINE)
    assert chart.png(LINE).startswith(b"\x89PNG")


@pytest.mark.parametrize(
    "spec",
    [
        {**LINE, "data": {"url": "http://127.0.0.1:1/data.json"}},
        {**LINE, "data": {"url": "file:///etc/passwd", "format": {"type": "csv"}}},
        {"layer": [{**LINE, "data": {"url": "data.csv"}}]},
        {**LINE, "transform": [{"lookup": "day", "from": {"data": {"url": "https://example.com"}, "key": "day", "fields": ["a"]}}]},
        {**LINE, "mark": {"type": "image", "url": "http://127.0.0.1:1/x.png"}},
        {**LINE, "encoding": {**LINE["encoding"], "href": {"field": "url"}}},  # type: ignore[dict-item]
    ],
)
def test_whatever_would_be_fetched_is_refused(spec: dict[str, Any]) -> None:
    with pytest.raises(BadChart, match="refused"):
        chart.svg(spec)


@pytest.mark.parametrize("spec", [{}, {"mark": "no such mark", "data": {"values": []}}, {"layer": 3}])
def test_a_specification_that_cannot_be_drawn_is_told_so(spec: dict[str, Any]) -> None:
    with pytest.raises(BadChart, match="cannot be drawn"):
        chart.svg(spec)


def test_a_map_of_cells_becomes_a_line_for_each_row() -> None:
    cells = [{"cohort": c, "later": n, "share": n / 10} for c in ("a", "b") for n in (1, 2)]
    made = series.plot({"layer": [{"mark": "rect", "data": {"values": cells}, "encoding": {
        "x": {"field": "later", "type": "ordinal"}, "y": {"field": "cohort", "type": "ordinal"},
        "color": {"field": "share", "type": "quantitative"}}}]})  # fmt: skip
    assert made is not None
    assert (made.kind, made.categories) == ("line", [1, 2])
    assert made.series == [("a", [0.1, 0.2]), ("b", [0.1, 0.2])]


def test_bars_that_lie_have_their_categories_at_the_side() -> None:
    made = series.plot({"mark": "bar", "data": {"values": [{"who": "a", "much": 3}]}, "encoding": {
        "y": {"field": "who", "type": "nominal"}, "x": {"field": "much", "type": "quantitative", "axis": {"format": ".0%"}}}})  # fmt: skip
    assert made is not None
    assert (made.kind, made.categories, made.percent, made.stacked) == ("bar", ["a"], True, False)
