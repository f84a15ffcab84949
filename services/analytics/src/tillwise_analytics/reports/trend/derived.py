"""What follows from a row and the rows before it: trailing averages, running sums and growth, group by group. No I/O."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable
from fractions import Fraction
from typing import NamedTuple

from tillwise_analytics.reports.trend.maths import change

# Sums of these mean something; a customer of two days is one customer, and averages do not add up.
ADDITIVE = ("sales", "orders", "units", "new_customers")


class Point(NamedTuple):
    """One value of a group; `partial` when its bucket is cut or not over."""

    group: str
    value: int | None
    partial: bool


class Average(NamedTuple):
    """A trailing mean, never rounded, and over how many buckets; fewer than asked for at the start."""

    mean: float | None
    window: int


def moving_average(points: Iterable[Point], length: int) -> list[Average]:
    """The trailing simple moving average of each point's group over `length` whole buckets, this one included.

    Partial buckets have none and enter none: half a week in the window would look like a slump. Buckets without a value
    (an average order without orders) take their place in the window and do not count.
    """
    windows: dict[str, deque[int | None]] = defaultdict(lambda: deque(maxlen=length))
    found = []
    for point in points:
        if point.partial:
            found.append(Average(None, 0))
            continue
        window = windows[point.group]
        window.append(point.value)
        values = [value for value in window if value is not None]
        # Exact until the last step: sums of money are larger than what a float holds exactly.
        found.append(Average(float(Fraction(sum(values), len(values))) if values else None, len(window)))
    return found


def cumulative(points: Iterable[Point]) -> list[int | None]:
    """The running sum of each point's group, partial buckets included: they hold what happened so far. Those that have not begun have
    no value, and no sum.
    """
    sums: dict[str, int] = defaultdict(int)
    found: list[int | None] = []
    for point in points:
        sums[point.group] += point.value or 0
        found.append(None if point.value is None else sums[point.group])
    return found


def growth(points: Iterable[Point]) -> list[float | None]:
    """By which part of the bucket before each point's value exceeds it, in its group.

    Between parts and wholes there is none: half a week is less than a week, whatever happened.
    """
    previous: dict[str, int | None] = {}
    found = []
    for point in points:
        value = None if point.partial else point.value
        found.append(change(value, previous.get(point.group)))
        previous[point.group] = value
    return found
