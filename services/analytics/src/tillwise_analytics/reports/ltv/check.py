"""Does the model foretell what it was not shown? Expected against actual purchases. No I/O."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from tillwise_analytics.reports.ltv import expected
from tillwise_analytics.reports.ltv.bgnbd import Purchases, alive
from tillwise_analytics.reports.ltv.summary import Customers
from tillwise_analytics.reports.ltv.terms import MOST_REPEATS

WEEK = 7


class Holdout(NamedTuple):
    """Repeat purchases after the fit: expected and actual, of all customers and by how often they had bought before; `correlation` is
    Pearson's, between customers. Days are counted from 1970-01-01.
    """

    fitted_until: int
    until: int
    expected: float
    actual: int
    correlation: float | None
    # Repeat purchases before, customers, and what each of them made on average: actual, expected.
    by_repeats: list[tuple[int, int, float, float]]


def hold_out(model: Purchases, customers: Customers, fitted_until: int, until: int) -> Holdout:
    """What customers were expected to buy from the day of the fit to `until`, and did."""
    age = customers.ages(fitted_until)
    still = alive(model, customers.repeats, customers.recencies, age)
    span = np.array([float(until - fitted_until)])
    foretold = still * expected.outlook(model, customers.repeats, age, span, np.ones(1))[0]
    return Holdout(
        fitted_until, until, float(foretold.sum()), int(customers.later.sum()), _correlation(foretold, customers.later),
        _by_repeats(customers, foretold),
    )  # fmt: skip


def _correlation(one: Any, other: Any) -> float | None:
    if len(one) < 2 or np.ptp(one) == 0 or np.ptp(other) == 0:
        return None
    return float(np.corrcoef(one, other)[0, 1])


def _by_repeats(customers: Customers, foretold: Any) -> list[tuple[int, int, float, float]]:
    group = np.minimum(customers.repeats, MOST_REPEATS)
    found = []
    for repeats in np.unique(group):
        own = group == repeats
        found.append((int(repeats), int(own.sum()), float(customers.later[own].mean()), float(foretold[own].mean())))
    return found


def track(model: Purchases, first: Any, actual: list[tuple[int, int]], until: int) -> list[tuple[int, int, float]]:
    """Cumulative repeat purchases week by week since the first customer: (last day of the week, actual, expected).

    `first`: the day on which each customer came; `actual`: how many repeat purchases these made on a day.
    """
    begin = int(first.min())
    days = until - begin
    newcomers = np.bincount(first - begin, minlength=days + 1).astype(float)
    ends = np.arange(WEEK - 1, days + 1, WEEK)
    bought = np.zeros(days + 1)
    for day, count in actual:
        bought[day - begin] += count
    # Whoever came d days before the end of a week has made the purchases of d days.
    growth = expected.newcomers(model, np.arange(days + 1))
    foretold = np.convolve(newcomers, growth)[: days + 1]
    so_far = np.cumsum(bought)
    return [(begin + int(end), int(so_far[end]), float(foretold[end])) for end in ends]
