"""A period: days of the store's clock, of which the last may be cut at an instant."""

from __future__ import annotations

from datetime import date, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from tillwise_analytics.reports.trend.maths import DAY, midnight


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
