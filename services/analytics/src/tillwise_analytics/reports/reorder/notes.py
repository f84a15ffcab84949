"""What the figures mean, in words."""

from __future__ import annotations

import numpy as np

from tillwise_analytics.reports.reorder.maths import PATTERNS, safety_factor
from tillwise_analytics.reports.reorder.params import ReorderParams
from tillwise_analytics.reports.reorder.told import NO_DEMAND, Told


def notes(params: ReorderParams, products: Told, listed: int, rows: int) -> list[str]:
    """The definitions behind an answer."""
    if not products.rows:
        return ["There is no stock that this asks for: no stock.moved or stock.counted has come for it."]
    said = [f"{listed} of {rows} rows are listed; totals are over all. limit shows more."] if listed < rows else []
    said += _what_is_odd(products)
    return [*said, *_definitions(params, seasonal=not np.isnan(products.factor).all())]


def _what_is_odd(products: Told) -> list[str]:
    # Lumpy comes after intermittent.
    rare = np.count_nonzero((products.urgency != NO_DEMAND) & (products.pattern >= PATTERNS.index("intermittent")))
    ordered = products.plan.order > 0
    uncosted = np.count_nonzero(ordered & np.isnan(products.cost))
    capped = np.count_nonzero(ordered & (products.terms.least > products.terms.most))
    said = []
    if capped:
        said.append(f"{capped} products to order have a min_order_quantity above their max_order_quantity: the maximum holds.")
    if rare:
        said.append(f"{rare} products sell in few weeks only (pattern intermittent or lumpy): their reorder points are rough.")
    if uncosted:
        said.append(
            f"Nobody stated the cost of {uncosted} products to order: four weeks of demand are suggested, and cost leaves them out."
        )
    return said


def _definitions(params: ReorderParams, *, seasonal: bool) -> list[str]:
    z = safety_factor(params.service_level)
    season = (
        "Season and trend are those of the product's category (else of the store) from two years of weeks: seasonal indices of the lead "
        "time's weeks, and a damped trend where it is none of chance."
        if seasonal
        else "Season and trend are not known: they need two years of orders."
    )
    return [
        "What is on order is not known: orders placed already must be taken off what is suggested. Units in transit count as there.",
        f"Demand: units as ordered (else sale movements) of this week and the {params.weeks - 1} before, per day in stock; "
        "its deviation is that of whole weeks, of a Poisson process below four.",
        season,
        f"Reorder point: d*L + z*sqrt(L*sd^2 + d^2*sdL^2) with z = {z:.3f} for a service level of {params.service_level:.2%} "
        "(of cycles without a stock-out); L is the lead time plus review.",
        f"Quantity: sqrt(2*D*K/(h*c)) with K = order_cost and h = {params.holding_rate:g} a year, at least up to the reorder point, at "
        "most a year's demand; then min_order_quantity, whole pack_size, max_order_quantity of the product.",
        "Lead time: lead_time_days as asked, else the product's, else 14; its deviation lead_time_sd, else the product's "
        "lead_time_sd_days, else 0.",
    ]
