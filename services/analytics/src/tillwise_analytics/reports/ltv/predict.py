"""What customers are expected to buy and bring, each and in groups. No I/O."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from tillwise_analytics.reports.ltv import bgnbd, expected, gamma_gamma
from tillwise_analytics.reports.ltv.fitting import Fitted
from tillwise_analytics.reports.ltv.summary import Customers, unescape
from tillwise_analytics.reports.ltv.terms import SEGMENTS, Customer, Group, Outlook

Array = np.ndarray[Any, Any]
YEAR = 365.25


class Predicted(NamedTuple):
    """Of each customer: the chance to be alive, purchases to come, what each brings, sales to come and their value today; a place
    among the SEGMENTS.
    """

    alive: Array
    purchases: Array
    spend: Array
    sales: Array
    discounted: Array
    segment: Array


def predict(fitted: Fitted, customers: Customers, until: int, outlook: Outlook) -> Predicted | None:
    """Predictions for the time after `until`; None without a model of purchases."""
    model = fitted.purchases
    if model is None:
        return None
    x, age = customers.repeats, customers.ages(until)
    ends = np.arange(1, outlook.horizon + 1) * outlook.unit_days
    factors = (1 + outlook.discount_rate) ** (-ends / YEAR)
    still = bgnbd.alive(model, x, customers.recencies, age)
    coming, discounted = expected.outlook(model, x, age, ends, factors)
    spend = _spend(fitted, customers)
    worth = still * discounted * spend
    return Predicted(still, still * coming, spend, still * coming * spend, worth, segments(worth))


def _spend(fitted: Fitted, customers: Customers) -> Array:
    model = fitted.usable_spend
    if model is not None:
        # Who brought nothing is not in the model, but what they bring next is told from it all the same.
        return gamma_gamma.mean_spend(model, customers.repeats, np.maximum(customers.spend, 0))
    own = np.maximum(customers.spend, 0) / np.maximum(customers.repeats, 1)
    return np.where(customers.repeats > 0, own, max(fitted.mean_spend, 0.0))


def segments(worth: Array) -> Array:
    """Fifths by worth: how many fifths of all customers are worth more. Equals are in the same one."""
    better = len(worth) - np.searchsorted(np.sort(worth), worth, side="right")
    return np.minimum(better * len(SEGMENTS) // max(len(worth), 1), len(SEGMENTS) - 1)


def group(customers: Customers, predicted: Predicted | None, chosen: Array, by: str) -> list[Group]:
    """Sums over the chosen customers: all of them, by month of the first purchase, or by segment."""
    own = np.flatnonzero(chosen)
    if by == "store":
        keys, at = np.array([""]), np.zeros(len(own), np.int64)
    elif by == "cohort":
        keys, at = np.unique(customers.first[own].astype("M8[D]").astype("M8[M]"), return_inverse=True)
    elif predicted is not None:
        places, at = np.unique(predicted.segment[own], return_inverse=True)
        keys = np.array(SEGMENTS)[places]
    else:
        return []

    def total(values: Array | None) -> list[Any]:
        if values is None:
            return [None] * len(keys)
        found = np.bincount(at, weights=values[own], minlength=len(keys))
        return [int(one) for one in np.rint(found)] if values.dtype == np.int64 else found.tolist()

    counts = np.bincount(at, minlength=len(keys)).tolist()
    sums = [total(values) for values in (customers.repeats, customers.sales, customers.margin)]
    foretold = [total(getattr(predicted, name, None)) for name in ("alive", "purchases", "sales", "discounted")]
    return [Group(str(key), *figures) for key, *figures in zip(keys, counts, *sums, *foretold, strict=True) if figures[0]]


def best(customers: Customers, predicted: Predicted | None, chosen: Array, sort: str, limit: int) -> list[Customer]:
    """The first `limit` of the chosen customers, in order."""
    own = np.flatnonzero(chosen)
    known = {"sales": customers.sales, "purchases": customers.repeats, "first_purchase": -customers.first, "last_purchase": customers.last}
    foretold = {} if predicted is None else {
        "value": predicted.discounted, "p_alive": predicted.alive, "expected_purchases": predicted.purchases
    }  # fmt: skip
    keys = {**known, **foretold}.get(sort, customers.sales)[own]
    if len(own) > limit:
        # All that may be among the first, equals of the last included.
        own = own[keys >= np.partition(keys, len(keys) - limit)[len(keys) - limit]]
        keys = {**known, **foretold}.get(sort, customers.sales)[own]
    ids = [unescape(customers.ids[place]) for place in own.tolist()]
    order = sorted(range(len(own)), key=lambda place: (-keys[place], ids[place]))[:limit]
    return [_customer(customers, predicted, int(own[place]), ids[place]) for place in order]


def _customer(customers: Customers, predicted: Predicted | None, at: int, name: str) -> Customer:
    known: list[Any] = [
        int(values[at]) for values in (customers.first, customers.last, customers.repeats, customers.sales, customers.margin)
    ]
    if predicted is not None:
        known += [float(values[at]) for values in predicted[:5]] + [SEGMENTS[int(predicted.segment[at])]]
    return Customer(name, *known)
