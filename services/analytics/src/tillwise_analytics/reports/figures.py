"""Figures that a client can hold: amounts and days within reason."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from math import isfinite

# Beyond this an amount is a mistake, and beyond that a day is never.
LARGEST = 10**15
FURTHEST = date(2200, 1, 1)


def money(value: float | None) -> int | None:
    """Minor units, rounded half to even; None for what is not known or beyond anything that can be counted."""
    if value is None or not isfinite(value) or abs(value) > LARGEST:
        return None
    return round(value)


def day_ahead(now: datetime, days: float | None) -> date | None:
    """The day so many days ahead of this hour, today where that is past; None where it is not known or beyond 2199."""
    if days is None or days > (FURTHEST - now.date()).days:
        return None
    return (now + timedelta(days=max(days, 0.0))).date()
