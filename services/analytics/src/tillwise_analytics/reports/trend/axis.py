"""The chart's time axis: where buckets lie on it, which of them are named, and how.

The chart library would name round moments of its own choosing: months twice, weeks by days on which none begins.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

MOST_TICKS = 13
_STEPS = {"day": (1, 2, 7, 14), "week": (1, 2, 4, 8, 13, 26, 52, 104), "month": (1, 2, 3, 6, 12, 24, 60, 120, 600)}
Label = str | list[str]


def place(bucket: str) -> datetime:
    """Where a bucket of an answer lies: hours where they lie in time, so that the second 2 o'clock of an autumn night has a
    place of its own; days at their date, wherever the reader is.
    """
    return datetime.fromisoformat(bucket).astimezone(UTC) if "T" in bucket else datetime.fromisoformat(bucket).replace(tzinfo=UTC)


def time_axis(granularity: str, buckets: Sequence[str]) -> dict[str, Any]:
    """The axis of these buckets, as Vega-Lite wants it."""
    named = {round(place(bucket).timestamp() * 1000): label for bucket, label in ticks(granularity, buckets).items()}
    # In expressions and lists, because of the chart library's interpreter, which pages need (their security policy forbids
    # eval): it makes no date of one number, and reads no keys of objects that are texts.
    instants, labels = json.dumps(list(named)), json.dumps(list(named.values()), ensure_ascii=False)
    label = f"{labels}[indexof({instants}, toNumber(datum.value))]"
    return {"values": {"expr": instants}, "labelExpr": label, "labelOverlap": "parity", "labelFlush": False}


def ticks(granularity: str, buckets: Sequence[str]) -> dict[str, Label]:
    """The buckets that are named, with their names: at most MOST_TICKS, no two the same."""
    if granularity == "hour":
        return _hours(buckets)
    days = {bucket: date.fromisoformat(bucket) for bucket in buckets}
    if granularity == "month" or (granularity == "day" and len(days) > MOST_TICKS * _STEPS["day"][-1]):
        return _months({bucket: day for bucket, day in days.items() if day.day == 1})
    chosen = _thinned(list(days), _STEPS[granularity])
    return {bucket: _day(days[bucket], _years(days.values())) for bucket in chosen}


def _hours(buckets: Sequence[str]) -> dict[str, Label]:
    """Some hours of a day or two, else the days."""
    # The first hour of each day: midnight, unless the clock skipped it.
    mornings: dict[str, str] = {}
    for bucket in buckets:
        mornings.setdefault(bucket[:10], bucket)
    if len(mornings) > 2:
        named = ticks("day", list(mornings))
        return {mornings[day]: label for day, label in named.items()}
    every = 3 * len(mornings)
    chosen: dict[str, str] = {}
    for bucket in buckets:
        if int(bucket[11:13]) % every == 0:
            # Of an hour that the clock shows twice, the first.
            chosen.setdefault(bucket[:13], bucket)
    one_day = len(mornings) == 1
    return {b: b[11:16] if one_day else [b[11:16], _day(date.fromisoformat(b[:10]), False)] for b in chosen.values()}


def _months(days: dict[str, date]) -> dict[str, Label]:
    """Months by name; years where months are too many."""
    step = next(step for step in _STEPS["month"] if len(days) <= MOST_TICKS * step)
    chosen = {bucket: day for bucket, day in days.items() if (day.year * 12 + day.month - 1) % step == 0}
    return {bucket: f"{day:%Y}" if step >= 12 else f"{day:%b %Y}" for bucket, day in chosen.items()}


def _thinned(buckets: list[str], steps: Sequence[int]) -> list[str]:
    step = next(step for step in steps if len(buckets) <= MOST_TICKS * step)
    return buckets[::step]


def _years(days: Any) -> bool:
    """Whether days must say their year to be told apart."""
    return len({day.year for day in days}) > 1


def _day(day: date, with_year: bool) -> str:
    return f"{day.day} {day:%b %Y}" if with_year else f"{day.day} {day:%b}"
