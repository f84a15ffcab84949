"""How values are written for people: on pages and on paper."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from tillwise_common.clock import by_the_clock
from tillwise_common.contracts.groups import shown
from tillwise_common.contracts.reports import Column
from tillwise_common.money import format_minor

# Percents that tell a change.
SIGNED = ("change", "growth")


def show(value: Any, column: Column, zone: ZoneInfo | None = None) -> str:
    """A value as people read it; moments by the clock of `zone`, in which they are written."""
    if value is None:
        return "–"
    if column.type == "money":
        # Means are not rounded; people read cents.
        return f"{_grouped(format_minor(round(value), column.unit or ''))} {column.unit}"
    if column.type == "percent":
        # By how much something exceeds another has a sign; a part of a whole has none.
        return f"{value:+,.1%}" if column.name in SIGNED else f"{value:,.1%}"
    if column.type == "duration":
        return f"{value:,.1f} {column.unit or ''}".rstrip()
    if column.type == "boolean":
        return "yes" if value else "no"
    if column.type in ("count", "number"):
        return f"{value:,.2f}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)
    if column.type == "datetime":
        return by_the_clock(str(value), zone) if zone else str(value).replace("T", " ")[:16]
    return shown(value) if column.type == "text" else str(value)


def show_figure(value: Any, zone: ZoneInfo) -> str:
    """A figure of which only the value is known, such as a model's parameter."""
    if isinstance(value, float) and abs(value) < 100:
        # Parameters may be small: of those, two digits behind the point would leave nothing.
        return f"{value:.4g}"
    if isinstance(value, str) and "T" in value:
        return by_the_clock(datetime.fromisoformat(value).astimezone(zone).isoformat(timespec="seconds"), zone)
    return show(value, Column("", "number"))


def _grouped(amount: str) -> str:
    whole, point, cents = amount.partition(".")
    return f"{int(whole):,}{point}{cents}" if whole not in ("-0",) else amount
