"""Gamma-Gamma: what a customer spends per purchase. No I/O.

Fader & Hardie (2013), The Gamma-Gamma Model of Monetary Value: the amounts of a customer's purchases are gamma(p, v), and v is
gamma(q, gamma) among customers. Of a customer with repeat purchases it needs how many (x) and what was spent on them in all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from scipy.special import gammaln, polygamma, psi

from tillwise_analytics.reports.ltv.optimise import Surface, maximise, sample

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Spend:
    """The fitted model. `gamma` is in the unit of the amounts; so is the log-likelihood, of `customers` mean amounts."""

    p: float
    q: float
    gamma: float
    log_likelihood: float
    customers: int
    vague: bool = False

    def in_units(self, size: float) -> Spend:
        """The same model with amounts counted in units of `size`."""
        value = self.log_likelihood + self.customers * float(np.log(size))
        return Spend(self.p, self.q, self.gamma / size, value, self.customers, self.vague)

    @property
    def mean(self) -> float | None:
        """What a purchase of a customer nobody knows is worth; None for q <= 1, where this mean is infinite."""
        return self.p * self.gamma / (self.q - 1) if self.q > 1 else None


class Amounts(NamedTuple):
    """Customers' repeat purchases: each different pair of number and total once, the different numbers once, and sums of them all
    that no parameter changes.
    """

    customers: int
    x: Array
    total: Array
    weight: Array
    xs: Array
    with_x: Array
    repeats_ln_total: float
    ln_mean: float


def amounts(x: Array, total: Array, size: float = 1.0) -> Amounts:
    """Collect equal customers, with amounts divided by `size`."""
    xs, at = np.unique(x, return_inverse=True)
    pairs, count = np.unique(at + 1j * total, return_counts=True)
    each = xs[pairs.real.astype(np.int64)].astype(float)
    scaled, weight = pairs.imag / size, count.astype(float)
    ln_total = np.log(scaled)
    return Amounts(
        len(x), each, scaled, weight, xs.astype(float), np.bincount(at).astype(float), float(weight @ (each * ln_total)),
        float(weight @ (ln_total - np.log(each))),
    )  # fmt: skip


def log_likelihood(point: Array, seen: Amounts) -> Surface:
    """The log-likelihood (equation 1a of the note) with its first and second derivatives, at the logarithms of p, q, gamma."""
    theta = p, q, gamma = np.exp(point)
    ln_sum, per_sum = np.log(gamma + seen.total), 1 / (gamma + seen.total)
    own, all_, ln_gamma = p * seen.xs, p * seen.xs + q, np.log(gamma)
    repeats, of_x = seen.weight * seen.x, seen.with_x * seen.xs
    lns, per, per_repeat = seen.weight @ ln_sum, seen.weight @ per_sum, repeats @ per_sum
    value = (
        seen.with_x @ (gammaln(all_) - gammaln(own) - gammaln(q)) + seen.customers * q * ln_gamma
        + p * (seen.repeats_ln_total - repeats @ ln_sum) - q * lns - seen.ln_mean
    )  # fmt: skip
    gradient = np.array((
        of_x @ (psi(all_) - psi(own)) + seen.repeats_ln_total - repeats @ ln_sum,
        seen.with_x @ (psi(all_) - psi(q)) + seen.customers * ln_gamma - lns,
        seen.customers * q / gamma - p * per_repeat - q * per,
    ))  # fmt: skip
    bend = polygamma(1, all_)
    mixed = of_x @ bend
    across = seen.customers / gamma - per
    squares = (p * repeats + q * seen.weight) @ per_sum**2 - seen.customers * q / gamma**2
    hessian = np.array((
        ((of_x * seen.xs) @ (bend - polygamma(1, own)), mixed, -per_repeat),
        (mixed, seen.with_x @ (bend - polygamma(1, q)), across),
        (-per_repeat, across, squares),
    ))  # fmt: skip
    # From the parameters to their logarithms.
    return Surface(float(value), gradient * theta, hessian * np.outer(theta, theta) + np.diag(gradient * theta))


def fit(x: Array, total: Array) -> Spend:
    """The most likely model of customers with x > 0 repeat purchases and a total above 0."""
    size, few = float(np.mean(total / x)), sample(len(x))
    seen, some = amounts(x, total, size), amounts(x[few], total[few], size)
    starts = [(np.log(p), np.log(q), np.log((q - 0.9) / p)) for p in (1.0, 5.0, 25.0) for q in (1.2, 3.0, 10.0)]
    found = maximise(lambda point: log_likelihood(point, some), lambda point: log_likelihood(point, seen), starts)
    p, q, gamma = (float(one) for one in np.exp(found.point))
    return Spend(p, q, gamma, found.value, seen.customers, found.at_edge).in_units(1 / size)


def mean_spend(model: Spend, x: Array, total: Array) -> Array:
    """E(M | x, mean): what a customer's next purchases are worth each, between their own mean and everybody's.

    Infinite (inf) where p x + q <= 1.
    """
    below = model.p * x + model.q - 1
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(below > 0, model.p * (model.gamma + total) / below, np.inf)
