"""Charts as SVG and PNG, from the Vega-Lite specifications that browsers draw: without a browser and without a network."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import font_source_sans_pro
import vl_convert

from tillwise_common.render.document import Unmakeable

FONT = "Source Sans Pro"
FONTS = Path(font_source_sans_pro.__file__).parent / "files"
WIDTH = 680
# Dots on paper and on dense screens for each point of a chart.
SCALE = 2.0
_INK, _MUTED, _LINE, _ACCENT = "#111827", "#4b5563", "#e5e7eb", "#0f766e"
# The look of the pages in daylight.
CONFIG: dict[str, Any] = {
    "background": "white",
    "padding": 12,
    "font": FONT,
    "mark": {"color": _ACCENT},
    "bar": {"color": _ACCENT},
    "line": {"color": _ACCENT},
    "point": {"color": _ACCENT},
    "view": {"stroke": None},
    "title": {"font": FONT, "fontSize": 17, "fontWeight": 600, "color": _INK, "anchor": "start", "offset": 14},
    "axis": {
        "labelFont": FONT, "titleFont": FONT, "labelColor": _MUTED, "titleColor": _MUTED, "gridColor": _LINE, "domainColor": _LINE,
        "tickColor": _LINE, "labelFontSize": 12, "titleFontSize": 12, "titleFontWeight": 400, "labelLimit": 220,
    },
    "legend": {
        "labelFont": FONT, "titleFont": FONT, "labelColor": _MUTED, "titleColor": _MUTED, "labelFontSize": 12, "titleFontSize": 12,
        "titleFontWeight": 600, "orient": "bottom", "columns": 6, "labelLimit": 160,
    },
    "text": {"font": FONT},
    "range": {
        "category": [
            "#0f766e", "#d97706", "#4f46e5", "#be185d", "#0284c7", "#65a30d", "#7c3aed", "#dc2626", "#0891b2", "#a16207", "#6b7280",
        ]
    },
}  # fmt: skip


class BadChart(Unmakeable):
    """A specification that cannot be drawn here."""


def svg(spec: dict[str, Any], *, titled: bool = True) -> str:
    """The chart as SVG. Raises BadChart."""
    _prepare()
    drawn = _for_print(spec, titled=titled)
    try:
        return str(vl_convert.vegalite_to_svg(drawn, config=CONFIG, allowed_base_urls=[]))
    except ValueError as error:
        raise BadChart(f"the chart cannot be drawn: {str(error).splitlines()[0][:200]}") from None


def png(spec: dict[str, Any]) -> bytes:
    """The chart as PNG, two dots a point. Raises BadChart."""
    return bytes(vl_convert.svg_to_png(svg(spec), scale=SCALE))


def check_offline(spec: Any) -> None:
    """Raises BadChart for a specification that would have anything fetched."""
    for part in _parts(spec):
        if "url" in part or "href" in part:
            raise BadChart("a chart holds its data itself: addresses (url, href) are refused")


def _parts(spec: Any) -> Iterator[dict[str, Any]]:
    """All objects of a specification, but not its rows of data: those may have fields of any name."""
    if isinstance(spec, dict):
        yield spec
        for name, value in spec.items():
            if name != "values":
                yield from _parts(value)
    elif isinstance(spec, list):
        for value in spec:
            yield from _parts(value)


def _for_print(spec: dict[str, Any], *, titled: bool) -> dict[str, Any]:
    """With a width of its own: on paper there is no container that has one."""
    check_offline(spec)
    drawn: dict[str, Any] = _sized(spec)
    if not titled:
        drawn.pop("title", None)
    return drawn


def _sized(part: Any) -> Any:
    if isinstance(part, list):
        return [_sized(one) for one in part]
    if not isinstance(part, dict):
        return part
    return {name: WIDTH if name == "width" and value == "container" else value if name == "values" else _sized(value)
            for name, value in part.items()}  # fmt: skip


@cache
def _prepare() -> None:
    vl_convert.register_font_directory(str(FONTS))
