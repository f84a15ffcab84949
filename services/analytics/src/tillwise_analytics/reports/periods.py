"""Days, weeks and instants of a store, and the period that a question is about."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from tillwise_analytics.reports.parameters import InvalidParameters

DAY = timedelta(days=1)
WEEK = timedelta(days=7)


class Period(NamedTuple):
    """From `first` to `last`, both inclusive. `until` is an instant within the last day at which the period ends already."""

    first: date
    last: date
    until: datetime | None = None

    def begins(self, zone: ZoneInfo) -> datetime:
        """Its first instant."""
        return midnight(self.first, zone)

    def ends(self, zone: ZoneInfo) -> datetime:
        """The first instant that is no longer in it."""
        return self.until or midnight(self.last + DAY, zone)

    def whole_days(self) -> Period | None:
        """Without the day that is cut; None when nothing is left."""
        if self.until is None:
            return self
        return Period(self.first, self.last - DAY) if self.first < self.last else None

    def cut_day(self) -> Period | None:
        """The day that is cut."""
        return None if self.until is None else Period(self.last, self.last, self.until)


def asked(first: date | None, last: date | None, today: date, *, default: timedelta) -> Period:
    """The period asked for: until today, and from `default` before its end on, where nothing else is said.

    Raises InvalidParameters for one that cannot be.
    """
    last = last or max(today, first or today)
    first = first or last - default
    if first > last:
        raise InvalidParameters([{"parameter": "from", "detail": f"must not lie after to ({last})"}])
    return Period(first, last)


def not_after(parameter: str, day: date | None, today: date) -> None:
    """Raises InvalidParameters for a day that is to come: what will be then nobody knows."""
    if day is not None and day > today:
        raise InvalidParameters([{"parameter": parameter, "detail": f"must not lie after today ({today})"}])


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """The instant at which a day begins, in UTC."""
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)


def week_begin(day: date, week_start: str) -> date:
    """The first day of the week that holds `day`; weeks start on "monday" or "sunday"."""
    return day - timedelta(days=day.weekday() if week_start == "monday" else (day.weekday() + 1) % 7)
