"""BG/NBD: how often customers buy and when they stop. No I/O.

Fader, Hardie & Lee (2005), "Counting Your Customers" the Easy Way, Marketing Science 24(2): while alive, a customer buys at a rate
drawn from a gamma distribution (r, alpha); after each purchase they drop out with a probability drawn from a beta (a, b). A history
is x repeat purchases, the last one t_x after the first purchase, watched for T; all times in one unit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from tillwise_analytics.reports.ltv.optimise import Surface, maximise, sample

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Purchases:
    """The fitted model. `alpha` is in the unit of the times it was fitted on; so is the log-likelihood."""

    r: float
    alpha: float
    a: float
    b: float
    log_likelihood: float
    # The likelihood is flat: other parameters explain the purchases as well.
    vague: bool = False

    def in_units(self, length: float, repeats: int) -> Purchases:
        """The same model with time counted in units `length` times as long; `repeats`: of all customers it was fitted on."""
        return Purchases(self.r, self.alpha / length, self.a, self.b, float(self.log_likelihood + repeats * np.log(length)), self.vague)


class Histories(NamedTuple):
    """All histories, each different one once, and what the likelihood needs of those that are equal in a part.

    `more[i]`: customers with more than i repeat purchases; `ages`: the different T, with customers and repeat purchases of each. The
    others are the histories with repeat purchases: x, how many have it (weight), and where its t_x and T stand in `recencies` and `ages`.
    """

    customers: int
    more: Array
    ages: Array
    at_age: Array
    repeats_at_age: Array
    recencies: Array
    x: Array
    weight: Array
    recency: Array
    age: Array


def histories(x: Array, t_x: Array, age: Array, length: float = 1.0) -> Histories:
    """Collect equal histories, with times divided by `length`; the likelihood then costs what the different ones cost."""
    ages, age_at = np.unique(age, return_inverse=True)
    again = np.flatnonzero(x > 0)
    recencies, recency_at = np.unique(t_x[again], return_inverse=True)
    width = max(len(recencies), 1)
    found, count = np.unique((x[again].astype(np.int64) * len(ages) + age_at[again]) * width + recency_at, return_counts=True)
    rest, recency = np.divmod(found, width)
    most = int(x.max(initial=0))
    more = len(x) - np.cumsum(np.bincount(x.astype(np.int64), minlength=most + 1))[:most]
    return Histories(
        len(x), more.astype(float), ages / length, np.bincount(age_at).astype(float), np.bincount(age_at, weights=x), recencies / length,
        (rest // len(ages)).astype(float), count.astype(float), recency, rest % len(ages),
    )  # fmt: skip


def log_likelihood(point: Array, seen: Histories) -> Surface:
    """The log-likelihood with its first and second derivatives, at the logarithms of r, alpha, a, b.

    Equation 6 of the paper. For whole x the quotients of gamma functions are products: ln G(r+x) - ln G(r) is the sum of ln(r+i)
    over i < x, which summed over all customers is the sum of more[i] ln(r+i).
    """
    theta = r, alpha, a, b = np.exp(point)
    i = np.arange(len(seen.more))
    of_age, of_recency = 1 / (alpha + seen.ages), 1 / (alpha + seen.recencies)
    ln_age = np.log(alpha + seen.ages)
    weight = r * seen.at_age + seen.repeats_at_age
    gone = _gone(seen, r, alpha, a, b, ln_age, of_age, of_recency)
    per_r, per_b, per_ab = 1 / (r + i), 1 / (b + i), 1 / (a + b + i)
    value = seen.customers * r * np.log(alpha) - seen.more @ np.log(per_r * per_b / per_ab) - weight @ ln_age + gone.value
    gradient = gone.gradient
    gradient[0] += seen.customers * np.log(alpha) + seen.more @ per_r - seen.at_age @ ln_age
    gradient[1] += seen.customers * r / alpha - weight @ of_age
    gradient[2] -= seen.more @ per_ab
    gradient[3] += seen.more @ (per_b - per_ab)
    hessian = gone.hessian
    hessian[0, 0] -= seen.more @ per_r**2
    hessian[0, 1] += seen.customers / alpha - seen.at_age @ of_age
    hessian[1, 1] += weight @ of_age**2 - seen.customers * r / alpha**2
    hessian[2:, 2:] += seen.more @ per_ab**2
    hessian[3, 3] -= seen.more @ per_b**2
    hessian[1, 0] = hessian[0, 1]
    # From the parameters to their logarithms.
    return Surface(float(value), gradient * theta, hessian * np.outer(theta, theta) + np.diag(gradient * theta))


def _gone(seen: Histories, r: float, alpha: float, a: float, b: float, ln_age: Array, of_age: Array, of_recency: Array) -> Surface:
    """What the chance to have dropped out adds for customers with repeat purchases: ln(1 + odds) of each, with its derivatives."""
    exponent, before = r + seen.x, 1 / (b + seen.x - 1)
    gap = ln_age[seen.age] + np.log(of_recency)[seen.recency]
    pull = of_age[seen.age] - of_recency[seen.recency]
    odds = exponent * gap
    odds += np.log(a * before)
    share = 1 / (1 + np.exp(-odds))
    likely = seen.weight * share
    # ln(1 + e^odds), from the smaller of the two chances.
    value = seen.weight @ (np.maximum(odds, 0) - np.log(np.maximum(share, 1 - share)))
    slopes = np.stack((gap, exponent * pull, np.full_like(gap, 1 / a), -before))
    hessian = (slopes * (likely * (1 - share))) @ slopes.T
    hessian[0, 1] += likely @ pull
    hessian[1, 1] += (likely * exponent) @ (of_recency[seen.recency] ** 2 - of_age[seen.age] ** 2)
    hessian[2, 2] -= likely.sum() / a**2
    hessian[3, 3] += likely @ before**2
    return Surface(float(value), slopes @ likely, hessian)


def fit(x: Array, t_x: Array, age: Array) -> Purchases:
    """The most likely model. Needs customers, and repeat purchases among them."""
    # Times are scaled so that the same starts and tolerances serve hours and decades.
    length, rate = float(np.mean(age)), float(np.mean(x))
    few = sample(len(x))
    seen, some = histories(x, t_x, age, length), histories(x[few], t_x[few], age[few], length)
    starts = [
        (np.log(r), np.log(r / rate), np.log(a), np.log(b)) for r in (0.2, 1.0, 5.0) for a, b in ((0.5, 3.0), (1.0, 1.0), (0.1, 10.0))
    ]
    found = maximise(lambda point: log_likelihood(point, some), lambda point: log_likelihood(point, seen), starts)
    r, alpha, a, b = (float(one) for one in np.exp(found.point))
    return Purchases(r, alpha, a, b, found.value, found.at_edge).in_units(1 / length, int(x.sum()))


def alive(model: Purchases, x: Array, t_x: Array, age: Array) -> Array:
    """P(alive | x, t_x, T): Fader, Hardie & Lee (2008), Computing P(alive) Using the BG/NBD Model. 1 without repeat purchases."""
    with np.errstate(divide="ignore"):
        odds = np.log(model.a) - np.log(np.maximum(model.b + x - 1, 1e-300))
    odds = odds + (model.r + x) * (np.log(model.alpha + age) - np.log(model.alpha + t_x))
    return np.where(x > 0, 1 / (1 + np.exp(np.minimum(odds, 700))), 1.0)
