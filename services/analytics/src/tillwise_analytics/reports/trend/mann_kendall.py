"""Is there a trend, and how steep is it? Mann-Kendall and Theil-Sen, season by season. No I/O.

Numbers are crunched with numpy, which is imported when it is needed: in the calculator's process.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from statistics import NormalDist
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import numpy as np

# Below this many values, the normal approximation of S says little.
LEAST = 10
# Pairs grow with the square; what came before says nothing about today.
MOST = 1_000
CONFIDENCE = 0.95
# So many turns a season must have to be tested season by season, and to tell how its positions hang together
# (Hirsch and Slack, 1984).
TURNS, TURNS_TO_CORRELATE = 3, 10


class Trend(NamedTuple):
    """S, its variance and the z-score of it, tau, the two-sided p, and the slope per slot with its confidence interval.

    `season` is None where all values were compared with each other. `correction` says how dependence between values
    was taken into account: "hirsch-slack" (season by season), "hamed-rao", or None.
    """

    values: int
    season: int | None
    s: int
    variance: float
    tau: float
    z: float
    p: float
    slope: float
    lower: float
    upper: float
    correction: str | None


def test(values: Sequence[float], slots: Sequence[int], season: int | None) -> Trend:
    """The trend of values that lie in `slots`, at least LEAST of them.

    Mann (1945) and Kendall (1975), with ties; with a season, of each position for itself and then together (Hirsch, Slack
    and Smith, 1982). The slope is the median of the slopes of all pairs (Sen, 1968), its interval by Gilbert (1987).
    """
    import numpy as np

    y, t = np.asarray(values[-MOST:], dtype=float), np.asarray(slots[-MOST:], dtype=np.int64)
    if season and len(y) >= TURNS * len(np.unique(t % season)):
        return _seasonal(y, t, season)
    sign, slope = _pairs(y, t)
    s, variance = int(sign.sum()), _variance(y)
    factor = _dependence(y, t, float(np.median(slope)))
    return _told(y, s, variance * factor, len(sign), slope, None, "hamed-rao" if factor > 1 else None)


def _seasonal(y: np.ndarray[Any, Any], t: np.ndarray[Any, Any], season: int) -> Trend:
    import numpy as np

    of_position = [t % season == position for position in np.unique(t % season)]
    pairs = [_pairs(y[chosen], t[chosen]) for chosen in of_position]
    s = int(sum(sign.sum() for sign, _ in pairs))
    variance = sum(_variance(y[chosen]) for chosen in of_position)
    correction = None
    turns = t // season - (t // season).min()
    if turns.max() + 1 >= TURNS_TO_CORRELATE:
        correlated = _correlated(y, turns, of_position)
        # Positions that hang together tell less; that they hinder each other is chance.
        correction, variance = "hirsch-slack", max(variance, correlated)
    slopes = np.concatenate([slope for _, slope in pairs])
    return _told(y, s, variance, len(slopes), slopes, season, correction)


def _told(
    y: np.ndarray[Any, Any], s: int, variance: float, pairs: int, slopes: np.ndarray[Any, Any], season: int | None, correction: str | None
) -> Trend:
    import numpy as np

    z = (s - (s > 0) + (s < 0)) / sqrt(variance) if variance > 0 else 0.0
    p = 2 * NormalDist().cdf(-abs(z))
    lower, upper = _interval(np.sort(slopes), variance)
    return Trend(len(y), season, s, variance, s / pairs, z, p, float(np.median(slopes)), lower, upper, correction)


def _pairs(y: np.ndarray[Any, Any], t: np.ndarray[Any, Any]) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Of every value and every later one: which is larger, and the slope between them."""
    import numpy as np

    first, second = np.triu_indices(len(y), 1)
    rise = y[second] - y[first]
    return np.sign(rise), rise / (t[second] - t[first])


def _variance(y: np.ndarray[Any, Any]) -> float:
    """Of S, without a trend and with independent values; ties make it less."""
    import numpy as np

    count, (_, ties) = len(y), np.unique(y, return_counts=True)
    return float(count * (count - 1) * (2 * count + 5) - (ties * (ties - 1) * (2 * ties + 5)).sum()) / 18


def _correlated(y: np.ndarray[Any, Any], turns: np.ndarray[Any, Any], of_position: list[np.ndarray[Any, Any]]) -> float:
    """The variance of S when positions of one turn depend on each other (Dietz and Killeen, 1981; Hirsch and Slack, 1984).

    Values that are missing in the first and the last turn take the middle rank, as there.
    """
    import numpy as np

    table = np.full((len(of_position), int(turns.max()) + 1), np.nan)
    for row, chosen in enumerate(of_position):
        table[row, turns[chosen]] = y[chosen]
    first, second = np.triu_indices(table.shape[1], 1)
    signs = np.nan_to_num(np.sign(table[:, second] - table[:, first]))
    counts = (~np.isnan(table)).sum(axis=1)
    # A value's sign towards all others: plus where it is the later one and larger.
    towards = np.zeros(table.shape)
    for row in range(len(table)):
        np.add.at(towards[row], second, signs[row])
        np.subtract.at(towards[row], first, signs[row])
    ranks = (counts[:, None] + 1 + towards) / 2
    together = signs @ signs.T + 4 * ranks @ ranks.T - table.shape[1] * np.outer(counts + 1, counts + 1)
    return float(together.sum()) / 3


def _dependence(y: np.ndarray[Any, Any], t: np.ndarray[Any, Any], slope: float) -> float:
    """By which factor the variance of S is larger because values depend on those before them (Hamed and Rao, 1998).

    Of the ranks without the trend; lags up to a quarter of the values, those that are significant; never less than 1.
    """
    import numpy as np
    from scipy.stats import rankdata

    count = len(y)
    ranks = rankdata(y - slope * t)
    left = ranks - ranks.mean()
    total = float(left @ left)
    if not total:
        return 1.0
    lags = np.arange(1, count // 4 + 1)
    found = np.array([float(left[lag:] @ left[:-lag]) / total for lag in lags])
    found[np.abs(found) <= NormalDist().inv_cdf((1 + CONFIDENCE) / 2) / sqrt(count)] = 0
    weights = (count - lags) * (count - lags - 1.0) * (count - lags - 2)
    return max(1.0, 1 + 2 / (count * (count - 1) * (count - 2)) * float(weights @ found))


def _interval(slopes: np.ndarray[Any, Any], variance: float) -> tuple[float, float]:
    """The slopes between which the true one lies (Gilbert, 1987, 16.4.2): by rank, between two ranks in proportion."""
    import numpy as np

    reach = NormalDist().inv_cdf((1 + CONFIDENCE) / 2) * sqrt(variance)
    # Ranks count from 1: the M1-th and the (M2 + 1)-th smallest.
    ranks = [(len(slopes) - reach) / 2, (len(slopes) + reach) / 2 + 1]
    lower, upper = np.interp(ranks, np.arange(1, len(slopes) + 1), slopes)
    return float(lower), float(upper)
