"""The clock's even grid below the buckets: what lies a week apart must be the same number of steps apart. No I/O.

Days, weeks and months are even already. Hours are not: the night on which clocks go forward has no 2 o'clock and the one
on which they go back has two. A slot is an hour of the clock, so that 9 o'clock is 24 slots after 9 o'clock every day.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from tillwise_analytics.reports.periods import DAY
from tillwise_analytics.reports.trend import maths
from tillwise_analytics.reports.trend.maths import Start

# How many buckets a season may have: a day and a week of hours, a week of days, a year of weeks or months.
SEASONS: dict[str, tuple[int, ...]] = {"hour": (24, 168), "day": (7,), "week": (52,), "month": (12,)}
# From how many buckets the future is told, at most: six weeks, a year, five years, ten years.
HISTORY = {"hour": 1_008, "day": 365, "week": 260, "month": 120}


class Line(NamedTuple):
    """The history of one group: a value for every slot from `first` on."""

    first: int
    values: list[float]

    def since(self, slot: int) -> Line:
        """What begins at `slot`."""
        cut = max(0, slot - self.first)
        return Line(self.first + cut, self.values[cut:])

    @property
    def end(self) -> int:
        """The slot after the last."""
        return self.first + len(self.values)


def slot(bucket: Start, granularity: str, zone: ZoneInfo) -> int:
    """The number of the slot in which a bucket lies."""
    if isinstance(bucket, datetime):
        local = bucket.astimezone(zone)
        return local.date().toordinal() * 24 + local.hour
    if granularity == "month":
        return bucket.year * 12 + bucket.month - 1
    return bucket.toordinal() // 7 if granularity == "week" else bucket.toordinal()


def history_begin(last: date, granularity: str) -> date:
    """The day on which the history begins whose last bucket begins on (or whose last hour lies in) `last`."""
    if granularity == "month":
        return maths.shift_months(last.replace(day=1), HISTORY["month"] - 1)
    return last - (HISTORY[granularity] // 24 if granularity == "hour" else HISTORY[granularity] - 1) * DAY * (
        7 if granularity == "week" else 1
    )


def following(bucket: Start, granularity: str, zone: ZoneInfo) -> Start:
    """The next bucket."""
    return maths.next_hour(bucket, zone) if isinstance(bucket, datetime) else maths.following(bucket, granularity)


def line(values: Iterable[tuple[int, int | None]], first: int, end: int) -> Line:
    """The line from `first` to before `end`, without what lies before the first value that is not 0.

    Slots with two buckets hold their mean. Slots without a value (an hour that the clock skips, an average order without
    orders) lie on the straight line between their neighbours.
    """
    found: dict[int, list[int]] = defaultdict(list)
    for place, value in values:
        if value is not None and first <= place < end:
            found[place].append(value)
    known = {place: sum(held) / len(held) for place, held in found.items()}
    sold = [place for place, value in known.items() if value]
    if not sold:
        return Line(end, [])
    return Line(min(sold), _without_gaps(known, min(sold), end))


def _without_gaps(known: dict[int, float], first: int, end: int) -> list[float]:
    filled: list[float] = []
    before = first
    for place in sorted(place for place in known if place >= first):
        gap = place - before
        filled += [known[before] + (known[place] - known[before]) * step / gap for step in range(1, gap)]
        filled.append(known[place])
        before = place
    # Nothing is known after the last: it stays.
    return filled + [known[before]] * (end - first - len(filled))


def date_of(place: int, granularity: str, week_start: str) -> date:
    """The day on which a slot begins, or in which an hour lies."""
    if granularity == "month":
        return date(place // 12, place % 12 + 1, 1)
    if granularity == "hour":
        return date.fromordinal(place // 24)
    # A week's first day has the same rest in every week.
    return maths.begin(date.fromordinal(place * 7 + 6), "week", week_start) if granularity == "week" else date.fromordinal(place)
