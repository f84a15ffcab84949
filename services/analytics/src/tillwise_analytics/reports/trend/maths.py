"""The trend's maths: which buckets there are, which bucket is compared with which, and what a value is. No I/O."""

from __future__ import annotations

import calendar
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from tillwise_analytics.reports.periods import DAY, midnight, week_begin

HOUR = timedelta(hours=1)
Start = date | datetime
Shift = Callable[[date], date]


class Sums(NamedTuple):
    """What is counted of one bucket and group, in the basis asked for."""

    orders: int = 0
    units: int = 0
    sales: int = 0
    customers: int = 0
    new_customers: int = 0

    def plus(self, other: Sums) -> Sums:
        """Both together; right for what adds up, which customers do not."""
        return Sums(*(a + b for a, b in zip(self, other, strict=True)))


NOTHING = Sums()


def value(metric: str, sums: Sums) -> int | None:
    """The metric's value. The average order is rounded half to even; without orders there is none."""
    if metric == "average_order":
        return divide_even(sums.sales, sums.orders) if sums.orders else None
    return int(getattr(sums, metric))


def divide_even(amount: int, by: int) -> int:
    """`amount / by` as an integer, halves to even, exact at any size."""
    quotient, rest = divmod(amount, by)
    return quotient + (2 * rest > by or (2 * rest == by and quotient % 2 == 1))


def change(now: int | None, before: int | None) -> float | None:
    """By how much `now` exceeds `before`, as a fraction; None where that says nothing."""
    return None if now is None or not before else (now - before) / abs(before)


def begin(day: date, granularity: str, week_start: str) -> date:
    """The first day of the bucket that holds `day`."""
    if granularity == "week":
        return week_begin(day, week_start)
    return day.replace(day=1) if granularity == "month" else day


def following(start: date, granularity: str) -> date:
    """The first day of the next bucket."""
    if granularity == "week":
        return start + 7 * DAY
    if granularity == "month":
        return (start.replace(day=1) + 32 * DAY).replace(day=1)
    return start + DAY


def starts(bucket: Start, zone: ZoneInfo) -> datetime:
    """The first instant of a bucket."""
    return bucket if isinstance(bucket, datetime) else midnight(bucket, zone)


def ends(bucket: Start, granularity: str, zone: ZoneInfo) -> datetime:
    """The first instant that is no longer in a bucket."""
    return next_hour(bucket, zone) if isinstance(bucket, datetime) else midnight(following(bucket, granularity), zone)


def day_buckets(first: date, last: date, granularity: str, week_start: str) -> list[date]:
    """The starts of all buckets from `first` to `last`, both inclusive."""
    found = [begin(first, granularity, week_start)]
    while (start := following(found[-1], granularity)) <= last:
        found.append(start)
    return found


def hour_buckets(first: date, last: date, zone: ZoneInfo) -> list[datetime]:
    """The instants at which the hours of the wall clock begin: 23 or 25 on the days the clock changes."""
    start, end = midnight(first, zone), midnight(last + DAY, zone)
    found = []
    while start < end:
        found.append(start)
        start = next_hour(start, zone)
    return found


def next_hour(start: datetime, zone: ZoneInfo) -> datetime:
    """The instant at which the wall clock's next hour begins: not an hour later where clocks change by half an hour."""
    after = start + HOUR
    shift = (after.astimezone(zone).utcoffset() or HOUR) - (start.astimezone(zone).utcoffset() or HOUR)
    if not shift % HOUR:
        return after
    local = after.astimezone(zone)
    begun = after - timedelta(minutes=local.minute, seconds=local.second)
    return begun if begun > start else begun + HOUR


def hour_begin(at: datetime, zone: ZoneInfo) -> datetime:
    """The instant at which the hour of the wall clock began that holds `at`."""
    local = at.astimezone(zone)
    return at - timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond)


def count(first: date, last: date, granularity: str) -> int:
    """About how many buckets there are, before they are made."""
    days = (last - first).days + 1
    return days * 24 if granularity == "hour" else days if granularity == "day" else days // (7 if granularity == "week" else 28) + 1


def shift_months(day: date, months: int) -> date:
    """The same day `months` earlier; the last day of a month stays a last day."""
    years, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    length = calendar.monthrange(years, month + 1)[1]
    was_last = day.day == calendar.monthrange(day.year, day.month)[1]
    return date(years, month + 1, length if was_last else min(day.day, length))


def shifter(compare: str, granularity: str, first: date, last: date, week_start: str) -> Callable[[date], date]:
    """From a day to the day it is compared with."""
    if compare == "same_weekdays" or (compare == "previous_year" and granularity == "week"):
        return lambda day: day - 364 * DAY
    if compare == "previous_year":
        # Of months, the last day stays the last: all of a February is compared with all of a longer one.
        return (lambda day: shift_months(day, 12)) if granularity == "month" else _year_before
    if granularity == "month":
        months = len(day_buckets(first, last, "month", week_start))
        return lambda day: shift_months(day, months)
    if granularity == "week":
        days = 7 * len(day_buckets(first, last, "week", week_start))
    else:
        days = (last - first).days + 1
    return lambda day: day - timedelta(days=days)


def _year_before(day: date) -> date:
    return day.replace(year=day.year - 1, day=28) if (day.month, day.day) == (2, 29) else day.replace(year=day.year - 1)


def shift_hour(start: datetime, shift: Callable[[date], date], zone: ZoneInfo) -> datetime | None:
    """The hour of the wall clock on the day compared with; None when the clock did not show it (again) on that day."""
    local = start.astimezone(zone)
    day = shift(local.date())
    found = datetime(day.year, day.month, day.day, local.hour, local.minute, tzinfo=zone, fold=local.fold).astimezone(UTC)
    shown = found.astimezone(zone)
    return found if (shown.hour, shown.fold) == (local.hour, local.fold) else None


def top_groups(totals: dict[str, Sums], metric: str, most: int) -> list[str]:
    """The groups with the highest values, best first; ties by name."""
    ranked = sorted(totals, key=lambda group: (-(value(metric, totals[group]) or 0), group))
    return ranked[:most]


def total(cells: dict[Any, Sums]) -> Sums:
    """All together; right for what adds up."""
    sums = NOTHING
    for cell in cells.values():
        sums = sums.plus(cell)
    return sums
