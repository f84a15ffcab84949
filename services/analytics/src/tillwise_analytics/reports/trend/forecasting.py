"""What comes next: exponential smoothing, with error, trend and season chosen from the data. No I/O.

The models are those of Hyndman, Koehler, Ord and Snyder (2008), fitted with statsmodels, which is imported when it is
needed: in the calculator's process.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from math import isfinite, log, sqrt
from statistics import NormalDist, fmean
from typing import Any, NamedTuple

# Below this many values, a level and a slope cannot be told apart.
LEAST = 10
# A season is looked for when it was seen twice.
TURNS = 2
# Up to this length the first turn of the chosen model's season is estimated, too, which takes time that grows with its square.
_ESTIMATED = 12
_PATHS = 2_000
_SEED = 19_570_301


class Shape(NamedTuple):
    """One model: ETS(error, trend, season), A for additive, M for multiplicative, Ad for damped, N for none."""

    error: str
    trend: str
    seasonal: str
    period: int = 1

    @property
    def name(self) -> str:
        return f"ETS({self.error},{self.trend},{self.seasonal})"

    @property
    def parameters(self) -> int:
        """What is estimated: smoothing weights, what the states began with, and the spread of errors."""
        of_trend = {"N": 0, "A": 2, "Ad": 3}[self.trend]
        return 3 + of_trend + (self.period if self.seasonal != "N" else 0)


class Ahead(NamedTuple):
    """A future value: what is expected, and between which it lies."""

    expected: float
    lower: float
    upper: float


class Forecast(NamedTuple):
    """The future by the chosen model. `aicc` and what follows is None for values that never change.

    `weights` are those of level, trend and season (alpha, beta, gamma) and the damping (phi).
    """

    ahead: list[Ahead]
    shape: Shape
    aicc: float | None
    tried: int
    weights: dict[str, float]
    spread: float | None


def shapes(values: Sequence[float], periods: Sequence[int]) -> Iterator[Shape]:
    """The models worth trying. What multiplies needs values above 0; errors multiply where seasons do, as elsewhere the
    variance is infinite or the fit is unstable (Hyndman and others, 2008, chapter 15).
    """
    count, positive = len(values), min(values) > 0
    fits = [period for period in periods if count >= TURNS * period and count >= LEAST + 2 * (period // 2)]
    for trend in ("N", "A", "Ad"):
        yield Shape("A", trend, "N")
        yield from (Shape("A", trend, "A", period) for period in fits)
        if positive:
            yield Shape("M", trend, "N")
            yield from (Shape("M", trend, "M", period) for period in fits)


def forecast(values: Sequence[float], periods: Sequence[int], steps: int, interval: float) -> Forecast | None:
    """The `steps` values after `values` (at least LEAST), by the model with the least AICc; None where none can be fitted.

    `interval` is the share of futures that lie between lower and upper. Nothing below 0 is expected, and lower is not below
    the lowest value there was (or 0).
    """
    if len(values) < LEAST:
        return None
    if min(values) == max(values):
        return Forecast([Ahead(values[0], values[0], values[0])] * steps, Shape("A", "N", "N"), None, 0, {}, None)
    # Optimisers like values around 1.
    scale = fmean(abs(value) for value in values)
    fitted = [found for shape in shapes(values, periods) if (found := _fit([value / scale for value in values], shape, "heuristic"))]
    if not fitted:
        return None
    best = min(fitted, key=lambda found: found.aicc)
    if best.shape.period <= _ESTIMATED:
        refined = _fit([value / scale for value in values], best.shape, "estimated")
        best = min((best, refined), key=lambda found: found.aicc) if refined else best
    ahead = _ahead(best, steps, interval)
    # Nobody expects to sell less than nothing, but a day of refunds may be seen again.
    lowest = min(0.0, *values)
    told = [Ahead(max(0.0, one.expected * scale), max(lowest, one.lower * scale), max(0.0, one.upper * scale)) for one in ahead]
    # Scaling shifts the likelihood of every model alike: told as of the values themselves.
    aicc = best.aicc + 2 * len(values) * log(scale)
    return Forecast(told, best.shape, aicc, len(fitted), best.weights, best.spread * (scale if best.shape.error == "A" else 1))


class _Fitted(NamedTuple):
    result: Any
    shape: Shape
    aicc: float
    weights: dict[str, float]
    # The standard deviation of errors; as a part of the value where they multiply.
    spread: float


def _fit(values: list[float], shape: Shape, initial: str) -> _Fitted | None:
    import numpy as np
    from statsmodels.tsa.exponential_smoothing.ets import ETSModel

    words = {"A": "add", "M": "mul", "N": None}
    free = len(values) - shape.parameters - 1
    if free <= 0:
        return None
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            model = ETSModel(
                np.array(values), error=words[shape.error], trend=words[shape.trend[0]], damped_trend=shape.trend == "Ad",
                seasonal=words[shape.seasonal], seasonal_periods=shape.period if shape.period > 1 else None, initialization_method=initial,
            )  # fmt: skip
            result = model.fit(disp=False)
    except (ValueError, ArithmeticError, np.linalg.LinAlgError):
        return None
    # An expected value of 0 or less means nothing where errors multiply.
    sound = np.isfinite(result.fittedvalues).all() and (shape.error == "A" or result.fittedvalues.min() > 0)
    if not sound or not isfinite(result.llf):
        return None
    aicc = -2 * result.llf + 2 * shape.parameters + 2 * shape.parameters * (shape.parameters + 1) / free
    spread = sqrt(float(np.sum(result.resid**2)) / (free + 1))
    weights = {"alpha": result.alpha}
    weights |= {"beta": result.beta} if shape.trend != "N" else {}
    weights |= {"gamma": result.gamma} if shape.seasonal != "N" else {}
    weights |= {"phi": result.phi} if shape.trend == "Ad" else {}
    return _Fitted(result, shape, float(aicc), {name: float(weight) for name, weight in weights.items()}, spread)


def _ahead(fitted: _Fitted, steps: int, interval: float) -> list[Ahead]:
    """Of additive models by formula; of the others, where there is none, by simulation, which is the same every time."""
    import numpy as np

    with np.errstate(all="ignore"):
        expected = np.asarray(fitted.result.forecast(steps))
        if fitted.shape.error == "A":
            reach = NormalDist().inv_cdf((1 + interval) / 2) * fitted.spread * np.sqrt(variances(fitted.shape, fitted.weights, steps))
            lower, upper = expected - reach, expected + reach
        else:
            lower, upper = np.quantile(_paths(fitted, steps), [(1 - interval) / 2, (1 + interval) / 2], axis=1)
            lower, upper = np.minimum(lower, expected), np.maximum(upper, expected)
    return [Ahead(float(a), float(b), float(c)) for a, b, c in zip(expected, lower, upper, strict=True)]


def _paths(fitted: _Fitted, steps: int) -> Any:
    """Many possible futures of a model whose errors multiply, one a column (Hyndman and others, 2008, table 2.3).

    Not by statsmodels, whose simulation keeps every state of every path: 1 GB for a week of hours.
    """
    import numpy as np

    alpha, beta, gamma, phi = (fitted.weights.get(name, 0.0) for name in ("alpha", "beta", "gamma", "phi"))
    result, shape = fitted.result, fitted.shape
    damping = {"N": 0.0, "A": 1.0, "Ad": phi}[shape.trend]
    level = np.full(_PATHS, result.level[-1])
    slope = np.full(_PATHS, result.slope[-1] if shape.trend != "N" else 0.0)
    turn = [np.full(_PATHS, one) for one in (result.season[-shape.period :] if shape.seasonal == "M" else [1.0])]
    # Nothing falls by more than all of it.
    errors = np.maximum(np.random.default_rng(_SEED).normal(0, fitted.spread, (steps, _PATHS)), -1 + 1e-9)
    found = np.empty((steps, _PATHS))
    for step, error in enumerate(errors):
        base, season = level + damping * slope, turn[step % shape.period]
        found[step] = base * season * (1 + error)
        level, slope = base * (1 + alpha * error), damping * slope + beta * base * error
        turn[step % shape.period] = season * (1 + gamma * error)
    return found


def variances(shape: Shape, weights: dict[str, float], steps: int) -> list[float]:
    """How many times that of one step ahead the variance is, for each step, of a model whose parts add up
    (Hyndman and others, 2008, table 6.1).
    """
    alpha, beta, gamma, phi = (weights.get(name, 1.0 if name == "phi" else 0.0) for name in ("alpha", "beta", "gamma", "phi"))
    found, total, damped = [], 1.0, 0.0
    for step in range(1, steps + 1):
        found.append(total)
        damped += phi**step
        total += (alpha + beta * damped + (gamma if shape.seasonal != "N" and step % shape.period == 0 else 0.0)) ** 2
    return found
