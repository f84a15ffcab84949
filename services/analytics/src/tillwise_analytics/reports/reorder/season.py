"""Season and trend of a group of products, from whole weeks. No I/O.

A single product's weeks are too few and too noisy for either, so both are those of its category (Dekker, van Donselaar & Ouwehand 2004,
How to use aggregation and combined forecasting to improve seasonal demand forecasts).
"""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from statistics import fmean, median
from typing import NamedTuple

YEAR = 52
LEAST_YEARS = 2
# Below this a category's weeks say more about chance than about the season.
LEAST_UNITS_A_WEEK = 10.0
# A trend wears off: each week ahead counts so much of the one before (Gardner & McKenzie 1985).
DAMPING = 0.95
# Beyond this lies one percent of a normal distribution.
SURE = 2.576
LOWEST, HIGHEST = 0.5, 2.0


class Rhythm(NamedTuple):
    """`indices`: how much of its mean demand each week of a year has, for the 52 weeks that follow the last one known; `slope`:
    by which part of its median demand without season grows per week, 0 where that may be chance.
    """

    indices: list[float]
    slope: float

    def factor(self, base: int, ahead: int) -> float:
        """Demand of the next `ahead` weeks, of that of the last `base` weeks."""
        coming = fmean(self.indices[n % YEAR] for n in range(max(ahead, 1)))
        past = fmean(self.indices[-1 - n % YEAR] for n in range(base))
        season = coming / past if past > 0 else 1.0
        # From the middle of the one to the middle of the other.
        weeks = round((base + ahead) / 2)
        trend = 1 + self.slope * sum(DAMPING**n for n in range(1, weeks + 1))
        return min(max(season * min(max(trend, LOWEST), HIGHEST), LOWEST / 2), HIGHEST * 2)


def rhythm(weeks: Sequence[float]) -> Rhythm | None:
    """Season and trend of weekly units, oldest first; None below two years or ten units a week."""
    if len(weeks) < LEAST_YEARS * YEAR or fmean(weeks) < LEAST_UNITS_A_WEEK:
        return None
    by_place = indices(weeks)
    adjusted = [units / index for place, units in enumerate(weeks) if (index := by_place[place % YEAR]) > 0]
    ahead = [by_place[(len(weeks) + n) % YEAR] for n in range(YEAR)]
    # In pairs of weeks: a quarter of the slopes, and less noise in each.
    last = adjusted[-YEAR:]
    pairs = [one + other for one, other in zip(last[-len(last) % 2 :: 2], last[-len(last) % 2 + 1 :: 2], strict=False)]
    return Rhythm(ahead, slope(pairs) / 2)


def indices(weeks: Sequence[float]) -> list[float]:
    """Seasonal indices by classical decomposition: units over their centred moving average of 52 weeks, the mean of all years, with
    a mean of 1. By place in the series modulo 52.
    """
    half = YEAR // 2
    ratios: list[list[float]] = [[] for _ in range(YEAR)]
    for place in range(half, len(weeks) - half):
        window = weeks[place - half : place + half + 1]
        level = (sum(window) - (window[0] + window[-1]) / 2) / YEAR
        if level > 0:
            ratios[place % YEAR].append(weeks[place] / level)
    found = [fmean(ratio) if ratio else 1.0 for ratio in ratios]
    mean = fmean(found)
    return [index / mean for index in found] if mean > 0 else [1.0] * YEAR


def slope(values: Sequence[float]) -> float:
    """The median of all slopes between two values (Theil 1950, Sen 1968), of the median value; 0 where the test of Mann (1945) and
    Kendall (1975) does not tell it from chance at 99 %, or there is no median.
    """
    count, middle = len(values), median(values)
    if middle <= 0:
        return 0.0
    rises = [(values[j] - values[i]) / (j - i) for i in range(count) for j in range(i + 1, count)]
    score = sum((rise > 0) - (rise < 0) for rise in rises)
    deviation = sqrt(count * (count - 1) * (2 * count + 5) / 18)
    return median(rises) / middle if abs(score) > SURE * deviation else 0.0
