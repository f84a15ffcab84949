"""Days, weeks and instants of a store: what reports over a period share."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from tillwise_analytics.reports.parameters import InvalidParameters

DAY = timedelta(days=1)


def bounds(first: date | None, last: date | None, today: date, default: date) -> tuple[date, date]:
    """The period, both days inclusive: until today and from `default` on where nothing else is asked. Raises InvalidParameters."""
    if any(not 1900 <= day.year <= 2200 for day in (first, last) if day is not None):
        raise InvalidParameters([{"parameter": "from", "detail": "the period must lie between 1900 and 2200"}])
    last = last or max(today, first or today)
    first = first or default
    if first > last:
        raise InvalidParameters([{"parameter": "from", "detail": f"must not lie after to ({last})"}])
    return first, last


def week_begin(day: date, week_start: str) -> date:
    """The first day of the week that holds `day`; weeks start on "monday" or "sunday"."""
    return day - timedelta(days=(day.weekday() + (week_start == "sunday")) % 7)


def instants(first: date, last: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """When the first day begins and when the last one has ended."""
    return datetime.combine(first, time(), zone), datetime.combine(last + DAY, time(), zone)
