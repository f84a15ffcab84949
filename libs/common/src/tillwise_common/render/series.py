"""A chart as categories and series of figures, as spreadsheets know charts; from any Vega-Lite specification that can be told so."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time
from typing import Any, Literal, NamedTuple

Kind = Literal["line", "area", "column", "bar"]
MOST_SERIES, MOST_CATEGORIES = 60, 5000
_KINDS: dict[str, Kind] = {"line": "line", "area": "area", "bar": "column", "rect": "line", "point": "line"}


class Series(NamedTuple):
    """One of the chart's series; a figure for each category, None where there is none."""

    name: str
    values: list[float | None]


class Plot(NamedTuple):
    """A chart of a spreadsheet."""

    kind: Kind
    stacked: bool
    title: str
    category_title: str
    value_title: str
    percent: bool
    categories: list[date | str | float]
    series: list[Series]


class _Unit(NamedTuple):
    mark: str
    encoding: dict[str, Any]
    rows: list[dict[str, Any]]


class _Roles(NamedTuple):
    """Which field of a row is what."""

    category: dict[str, Any]
    value: dict[str, Any]
    series: str | None


def plot(spec: dict[str, Any]) -> Plot | None:
    """The first part of a specification that has categories and figures; None when there is no such part."""
    for unit in _units(spec, {}, []):
        roles = _roles(unit)
        if unit.mark in _KINDS and unit.rows and roles is not None:
            made = _plot(spec, unit, roles)
            if made is not None:
                return made
    return None


def _units(spec: dict[str, Any], encoding: dict[str, Any], rows: list[dict[str, Any]]) -> Iterator[_Unit]:
    """The charts of which a specification is made, with what they inherit."""
    encoding, rows = {**encoding, **spec.get("encoding", {})}, spec.get("data", {}).get("values", rows)
    if "mark" in spec:
        mark = spec["mark"]
        yield _Unit(mark["type"] if isinstance(mark, dict) else mark, encoding, rows)
    for name in ("layer", "vconcat", "hconcat", "concat"):
        for part in spec.get(name, ()):
            yield from _units(part, encoding, rows)


def _roles(unit: _Unit) -> _Roles | None:
    x, y, color = (unit.encoding.get(name, {}) for name in ("x", "y", "color"))
    if "field" not in x or "field" not in y:
        return None
    if unit.mark == "rect":
        # A map: rows of cells become lines.
        return _Roles(x, color, y["field"]) if color.get("type") == "quantitative" and "field" in color else None
    category, value = (y, x) if x.get("type") == "quantitative" and y.get("type") != "quantitative" else (x, y)
    if value.get("type") != "quantitative":
        return None
    named = (unit.encoding.get(name, {}).get("field") for name in ("xOffset", "yOffset", "color", "detail"))
    return _Roles(category, value, next((name for name in named if name and name not in (category["field"], value["field"])), None))


def _plot(spec: dict[str, Any], unit: _Unit, roles: _Roles) -> Plot | None:
    cells: dict[Any, dict[str, float]] = {}
    names: dict[str, None] = {}
    only = _words(roles.value.get("title")) or str(roles.value["field"])
    for row in unit.rows:
        category, figure = row.get(roles.category["field"]), row.get(roles.value["field"])
        name = str(row.get(roles.series)) if roles.series else only
        if category is not None and isinstance(figure, int | float):
            names[name] = None
            cells.setdefault(category, {}).setdefault(name, figure)
    if not cells or len(names) > MOST_SERIES or len(cells) > MOST_CATEGORIES:
        return None
    lies = roles.category is unit.encoding.get("y")
    offset = any(name in unit.encoding for name in ("xOffset", "yOffset"))
    return Plot(
        kind="bar" if lies and unit.mark == "bar" else _KINDS[unit.mark],
        stacked=unit.mark in ("bar", "area") and len(names) > 1 and not offset and roles.value.get("stack", True) is not None,
        title=_words(spec.get("title")),
        category_title=_words(roles.category.get("title")),
        value_title=_words(roles.value.get("title")),
        percent=str((roles.value.get("axis") or {}).get("format", "")).endswith("%"),
        categories=_categories(list(cells)),
        series=[Series(name, [figures.get(name) for figures in cells.values()]) for name in names],
    )


def _categories(found: list[Any]) -> list[date | str | float]:
    """Days as such, so that a spreadsheet knows them; other moments by their clock."""
    if all(isinstance(one, int | float) and not isinstance(one, bool) for one in found):
        return found
    try:
        moments = [datetime.fromisoformat(str(one)) for one in found]
    except ValueError:
        return [str(one) for one in found]
    if all(moment.time() == time(0) for moment in moments):
        return [moment.date() for moment in moments]
    return [moment.strftime("%Y-%m-%d %H:%M") for moment in moments]


def _words(title: Any) -> str:
    text = title.get("text", "") if isinstance(title, dict) else title or ""
    return " ".join(text) if isinstance(text, list) else str(text)
