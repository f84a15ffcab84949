"""Periods of cohorts: where they begin, which follow, which have begun and which are over. No I/O."""

from __future__ import annotations

from datetime import date, timedelta

from tillwise_analytics.reports.periods import DAY, week_begin

# How many days a period has that is counted from each customer's own first day.
ROLLING_DAYS = {"day": 1, "week": 7, "month": 30}
_LAST_YEAR = 9000


def begin(day: date, period: str, week_start: str) -> date:
    """The first day of the period that holds `day`."""
    if period == "week":
        return week_begin(day, week_start)
    return day.replace(day=1) if period == "month" else day


def shift(start: date, period: str, count: int) -> date:
    """The start of the period `count` periods later (earlier, if negative); of what is out of all reach, a day that is too."""
    if period == "month":
        year, month = divmod(start.year * 12 + start.month - 1 + count, 12)
        return date(min(year, _LAST_YEAR), month + 1, 1)
    return start + timedelta(days=count * (7 if period == "week" else 1))


def cohorts(first: date, last: date, period: str, week_start: str) -> list[date]:
    """The starts of the periods that hold a day from `first` to `last`, both inclusive."""
    found = [begin(first, period, week_start)]
    while (start := shift(found[-1], period, 1)) <= last:
        found.append(start)
    return found


def begun(cohort: date, offset: int, today: date, period: str, *, rolling: bool) -> bool:
    """Whether the cell's period has begun, for the first of the cohort at least."""
    if rolling:
        return cohort + timedelta(days=offset * ROLLING_DAYS[period]) <= today
    return shift(cohort, period, offset) <= today


def complete(cohort: date, offset: int, today: date, period: str, *, rolling: bool) -> bool:
    """Whether the cell's period is over, for everybody who can be in the cohort."""
    if rolling:
        latest = shift(cohort, period, 1) - DAY
        return latest + timedelta(days=(offset + 1) * ROLLING_DAYS[period]) <= today
    return shift(cohort, period, offset + 1) <= today
