"""Both models of a store, with what is wrong with them in words. No I/O."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tillwise_analytics.reports.ltv import bgnbd, gamma_gamma
from tillwise_analytics.reports.ltv.bgnbd import Purchases
from tillwise_analytics.reports.ltv.gamma_gamma import Spend
from tillwise_analytics.reports.ltv.summary import Customers

# Below these, parameters say more about chance than about the shop.
FEWEST_CUSTOMERS = 50
FEWEST_RETURNING = 10


@dataclass(frozen=True)
class Fitted:
    """The models of a store, times in days and money in minor units; None where there is none, and `warnings` say why.

    `mean_spend` is what a repeat purchase brought on average (any purchase, where nobody came back).
    """

    purchases: Purchases | None
    spend: Spend | None
    customers: int
    returning: int
    repeats: int
    mean_spend: float
    warnings: tuple[str, ...] = ()

    @property
    def usable_spend(self) -> Spend | None:
        """The spend model, where it gives every customer a finite value."""
        return self.spend if self.spend is not None and self.spend.mean is not None else None


def fit(customers: Customers, until: int) -> Fitted:
    """Fit what can be fitted on purchases until a day."""
    returning = customers.repeats > 0
    found, came_back, repeats = len(customers.repeats), int(returning.sum()), int(customers.repeats.sum())
    enough = found >= FEWEST_CUSTOMERS and came_back >= FEWEST_RETURNING
    purchases = bgnbd.fit(customers.repeats, customers.recencies, customers.ages(until)) if enough else None
    paying = returning & (customers.spend > 0)
    spend = _spend(customers, paying) if enough else None
    warnings = [] if enough else [_too_few(found, came_back)]
    if purchases is not None:
        warnings += _about_purchases(purchases) + _about_spend(spend, int(paying.sum()), came_back)
    return Fitted(purchases, spend, found, came_back, repeats, _mean_spend(customers), tuple(warnings))


def _spend(customers: Customers, paying: np.ndarray) -> Spend | None:
    mean = customers.spend[paying] / customers.repeats[paying]
    # Equal amounts throughout have no spread to fit.
    if paying.sum() < FEWEST_RETURNING or np.ptp(mean) == 0:
        return None
    return gamma_gamma.fit(customers.repeats[paying], customers.spend[paying])


def _mean_spend(customers: Customers) -> float:
    if repeats := int(customers.repeats.sum()):
        return float(customers.spend.sum() / repeats)
    return float(customers.sales.mean()) if len(customers.sales) else 0.0


def _too_few(customers: int, returning: int) -> str:
    return (
        f"Too few data for a forecast: {customers:,} customers, {returning:,} of whom bought again; it takes at least {FEWEST_CUSTOMERS} "
        f"and {FEWEST_RETURNING}. What customers brought so far is shown instead."
    )


def _about_purchases(model: Purchases) -> list[str]:
    if not model.vague:
        return []
    return ["The purchase model is vague: quite different parameters explain these purchases as well. Take its forecast with care."]


def _about_spend(model: Spend | None, paying: int, returning: int) -> list[str]:
    said = []
    if paying < returning:
        said.append(f"{returning - paying:,} returning customers whose repeat purchases brought nothing are left out of the spend model.")
    instead = "a purchase is taken to bring what the customer's repeat purchases brought so far, or all customers' where there are none."
    if model is None:
        said.append(f"Repeat purchases of {paying:,} customers are too few or too alike for a spend model: {instead}")
    elif model.mean is None:
        said.append(
            f"The spend model has no mean: its q is {model.q:.2f}, and only above 1 is the mean spend of a new customer finite (a few "
            f"purchases are too large to tell): {instead}"
        )
    elif model.vague:
        said.append("The spend model is vague: quite different parameters explain these amounts as well.")
    return said
