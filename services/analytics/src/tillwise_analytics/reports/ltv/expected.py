"""How many purchases the BG/NBD model expects. No I/O.

A customer who is alive at T after x repeat purchases makes, in the time t after it, on average

    (a + b + x - 1) / (a - 1) * (1 - (1 + tau)^-(r + x) * 2F1(r + x, b + x; a + b + x - 1; t / (alpha + T + t))),   tau = t / (alpha + T)

(Fader, Hardie & Lee 2005, equation 10). That is the mean of (1 - (1 + p tau)^-(r + x)) / p over p, the probability to drop out,
which is beta(a, b + x). Computed as this mean it needs no hypergeometric function (the usual ones fail for large parameters, and
at a = 1), has positive terms only, and depends on T and t through tau alone.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tillwise_analytics.reports.ltv.bgnbd import Purchases

Array = np.ndarray[Any, Any]
# Above so many times, they are interpolated between as many exact ones (relative error below 1e-6 for r up to 50 and a above 0.02).
KNOTS = 320
# e to the minus this is nothing beside 1.
NOTHING = 40.0


def if_alive(model: Purchases, x: int, tau: Array) -> Array:
    """Purchases expected of a customer with x repeat purchases who is alive, for each tau = t / (alpha + T)."""
    if tau.size <= KNOTS:
        return _exact(model, x, tau.ravel())[0].reshape(tau.shape)
    # In the logarithm of tau from where the curve bends on.
    bend = 1 / (1 + (model.r + x) * model.a / (model.a + model.b + x))
    knots = np.linspace(0, np.log1p(tau.max() / bend), KNOTS)
    at = bend * np.expm1(knots)
    values, slopes = _exact(model, x, at)
    return _between(knots, values, slopes * (at + bend), np.log1p(tau / bend))


def newcomers(model: Purchases, t: Array) -> Array:
    """E[X(t)]: repeat purchases of a customer within t of the first purchase (equation 9)."""
    return if_alive(model, 0, np.asarray(t, float) / model.alpha)


def outlook(model: Purchases, x: Array, age: Array, ends: Array, factors: Array) -> tuple[Array, Array]:
    """Of customers who are alive: purchases expected until the last of `ends` (times after T), and their discounted sum.

    A purchase between two ends counts with the factor of the later one.
    """
    expected, discounted = np.zeros(len(x)), np.zeros(len(x))
    steps = -np.diff(factors, append=0.0)
    for repeats in np.unique(x):
        own = np.flatnonzero(x == repeats)
        ages, back = np.unique(age[own], return_inverse=True)
        until = if_alive(model, int(repeats), ends[None, :] / (model.alpha + ages)[:, None])
        expected[own] = until[back, -1]
        # Abel's way to sum factor[k] * (until[k] - until[k - 1]).
        discounted[own] = (until @ steps)[back]
    return expected, discounted


def _exact(model: Purchases, x: int, tau: Array) -> tuple[Array, Array]:
    """The mean over p, and its slope in tau."""
    exponent = model.r + x
    p, weight = _dropping_out(model.a, model.b + x, np.log1p(exponent * float(tau.max(initial=0.0))))
    growth = np.log1p(p[:, None] * tau)
    return weight @ (-np.expm1(-exponent * growth) / p[:, None]), exponent * (weight @ np.exp(-(exponent + 1) * growth))


def _between(knots: Array, values: Array, slopes: Array, at: Array) -> Array:
    """The cubic through evenly spaced knots with these slopes (Hermite)."""
    width = knots[1] - knots[0]
    left = np.minimum((at / width).astype(np.int64), len(knots) - 2)
    s = at / width - left
    rise = values[left + 1] - values[left]
    first, last = width * slopes[left] - rise, rise - width * slopes[left + 1]
    found: Array = values[left] + s * (rise + (1 - s) * ((1 - s) * first + s * last))
    return found


def _dropping_out(a: float, b: float, reach: float) -> tuple[Array, Array]:
    """Points p and their weights for means over beta(a, b), of functions that are constant below exp(-reach) and near 1.

    The trapezoidal rule in the logit of p, which converges exponentially (Trefethen & Weideman 2014); what lies beyond the first and
    the last point is a geometric series.
    """
    step = min(0.4, 0.6 / np.sqrt(min(a, b) + 1))
    edge = NOTHING + np.log1p(a + b)
    logit = np.arange(-edge - reach, edge + reach, step)
    ln_p, ln_rest = -np.logaddexp(0, -logit), -np.logaddexp(0, logit)
    ln_weight = a * ln_p + b * ln_rest
    kept = ln_weight > ln_weight.max() - NOTHING
    weight = np.exp(ln_weight[kept] - ln_weight.max())
    weight[0] /= -np.expm1(-a * step)
    weight[-1] /= -np.expm1(-b * step)
    return np.exp(ln_p[kept]), weight / weight.sum()
