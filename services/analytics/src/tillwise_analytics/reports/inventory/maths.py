"""What the figures of a product's stock mean. No I/O."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from math import isfinite

# Beyond this a figure is a mistake, and no client could hold it.
LARGEST = 10**15
RUNS_OUT_DAYS = 14.0
FURTHEST = date(2200, 1, 1)


def status(on_hand: int, per_day: float | None, cover: float | None) -> str:
    """What a shop owner wants to know of it first."""
    if on_hand < 0:
        return "below zero"
    if on_hand == 0:
        return "out of stock"
    if not per_day:
        return "not selling"
    return "runs out" if cover is not None and cover <= RUNS_OUT_DAYS else "in stock"


def stock_out(now: datetime, cover: float | None) -> date | None:
    """The day on which the last unit goes, at the rate of the period; None beyond 2199."""
    if cover is None or cover > (FURTHEST - now.date()).days:
        return None
    return (now + timedelta(days=cover)).date()


def money(value: float | None) -> int | None:
    """Minor units, rounded half to even; None for what is not known or beyond anything that can be counted."""
    if value is None or not isfinite(value) or abs(value) > LARGEST:
        return None
    return round(value)


def ratio(part: float | None, whole: float | None) -> float | None:
    """part / whole; None where one of them is not known or the whole is nothing."""
    return part / whole if part is not None and whole else None
