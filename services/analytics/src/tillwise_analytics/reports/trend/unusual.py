"""Which values are out of the ordinary: a robust rule on what trend and season leave over. No I/O."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean, median
from typing import NamedTuple

from tillwise_analytics.reports.trend.decomposition import Parts, decompose, root, unroot

# Below this many values nobody can say what is usual.
LEAST = 10
# The modified z-score beyond which a value is labelled an outlier (Iglewicz and Hoaglin, 1993).
THRESHOLD = 3.5
_MAD, _MEAN_DEVIATION = 1.4826, 1.2533
# Counts vary by chance alone, their roots by one half (Poisson; Anscombe, 1948).
_CHANCE = 0.5
# Less than 7 % (THRESHOLD times this) is nothing to look at, however steady a shop is.
_SMALLEST = 0.02


class Judged(NamedTuple):
    """What was to be expected, and by how many usual spreads the value lies above (or below) it."""

    expected: float
    score: float

    @property
    def unusual(self) -> bool:
        return abs(self.score) > THRESHOLD


class Judgement(NamedTuple):
    """All values, and the season that was found in them."""

    judged: list[Judged]
    season: int | None


def judge(values: Sequence[float], slots: Sequence[int], seasons: dict[int, int], *, counts: bool) -> Judgement:
    """Each value against its trend and season; `counts`: whether values are numbers of things, which chance makes vary."""
    parts = decompose(values, slots, seasons)
    usual, floor = spread(parts), _CHANCE if counts else 0.0
    never_negative = min(values, default=0) >= 0
    judged = []
    for expected, residual in zip(parts.usual, parts.residual, strict=True):
        size = unroot(max(expected, 0.0) if never_negative else expected)
        scale = max(usual, floor, _smallest(size))
        judged.append(Judged(size, residual / scale if scale else 0.0))
    return Judgement(judged, parts.season)


def spread(parts: Parts) -> float:
    """The usual size of what is left: the median absolute deviation, as a standard deviation.

    Where more than half is nothing (a shop that rarely sells), the usual size of the rest; where nearly all is nothing, the mean.
    """
    sizes = [abs(residual) for residual in parts.residual]
    if usual := median(sizes) if sizes else 0.0:
        return _MAD * usual
    rest = [size for size in sizes if size]
    if len(rest) >= LEAST:
        return median(rest)
    return _MEAN_DEVIATION * fmean(sizes) if rest else 0.0


def _smallest(size: float) -> float:
    return root(abs(size) * (1 + _SMALLEST)) - root(abs(size))
