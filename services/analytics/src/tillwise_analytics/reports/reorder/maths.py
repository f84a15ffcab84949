"""When to order and how much. No I/O. Silver, Pyke & Peterson, Inventory Management and Production Planning and Scheduling, 1998:
chapters 5 (economic order quantity) and 7 (continuous review, variable lead times).
"""

from __future__ import annotations

from math import ceil, floor, inf, sqrt
from statistics import NormalDist
from typing import NamedTuple

# Demand is called intermittent, erratic or both beyond these (Syntetos, Boylan & Croston 2005).
ADI_LINE, CV2_LINE = 1.32, 0.49
# With fewer whole weeks the spread of demand is that of a Poisson process.
LEAST_WEEKS = 4
DAYS_A_YEAR = 365.0
# Without a known cost there is no economic quantity: four weeks of demand instead.
WITHOUT_COST_DAYS = 28.0


class Demand(NamedTuple):
    """Units per day and their standard deviation."""

    mean: float
    deviation: float


class Terms(NamedTuple):
    """What a supplier's terms are: days until delivery and their deviation, the least, the most and the multiple of an order."""

    lead_time: float
    lead_time_sd: float
    pack: int = 1
    least: int = 0
    most: int | None = None


class Plan(NamedTuple):
    """The stock at which to order, the part of it that is for safety, and how many units to order now."""

    point: float
    safety: float
    order: int


def safety_factor(service_level: float) -> float:
    """z: the normal quantile of the service level (of a cycle: the probability of no stock-out until the delivery)."""
    return NormalDist().inv_cdf(service_level)


def daily(whole: float, squares: float, weeks: int, per_day: float, factor: float) -> Demand:
    """Demand per day: `per_day` over the days in stock, its deviation from weekly units (their sum and sum of squares), both times
    the factor of season and trend. Days are taken as independent of each other, so a week's variance is seven times a day's.
    """
    variance = (squares - whole * whole / weeks) / (weeks - 1) / 7 if weeks >= LEAST_WEEKS else per_day
    return Demand(per_day * factor, sqrt(max(variance, 0.0)) * factor)


def reorder_point(demand: Demand, days: float, days_sd: float, z: float) -> tuple[float, float]:
    """d*L + z*sqrt(L*sigma_d^2 + d^2*sigma_L^2), and its second part, the safety stock. Units."""
    safety = z * sqrt(days * demand.deviation**2 + (demand.mean * days_sd) ** 2)
    return demand.mean * days + safety, safety


def economic_quantity(a_year: float, order_cost: float, holding_cost: float) -> float:
    """sqrt(2*D*K/h): D units a year, K per order, h to hold a unit for a year (Harris 1913)."""
    return sqrt(2 * a_year * order_cost / holding_cost) if holding_cost > 0 else inf


def plan(
    position: int,
    demand: Demand,
    terms: Terms,
    *,
    a_year: float,
    z: float,
    review: float,
    order_cost: float,
    unit_cost: float | None,
    holding: float,
) -> Plan:
    """What to do about a product with `position` units on hand and on their way. `demand` is that of the days until the delivery,
    `a_year` the units of a year, which with a season is another rate.
    """
    point, safety = reorder_point(demand, terms.lead_time + review, terms.lead_time_sd, z)
    if demand.mean <= 0 or position > point:
        return Plan(point, safety, 0)
    missing = point - position
    # Nobody orders for longer than a year, however cheap it is.
    if unit_cost is None or unit_cost <= 0:
        lot = demand.mean * WITHOUT_COST_DAYS
    else:
        lot = min(economic_quantity(a_year, order_cost, holding * unit_cost), a_year)
    return Plan(point, safety, in_packs(max(lot, missing), terms))


def in_packs(quantity: float, terms: Terms) -> int:
    """The quantity as it can be ordered: at least the least, in whole packs, at most the most (but a pack)."""
    packs = ceil(max(quantity, terms.least, 1) / terms.pack - 1e-9)
    if terms.most is not None:
        packs = min(packs, max(floor(terms.most / terms.pack), 1))
    return packs * terms.pack


def pattern(whole: float, squares: float, weeks: int, sold_in: int) -> str | None:
    """How demand comes: smooth, erratic, intermittent or lumpy, by the weeks between two with demand and by the squared coefficient
    of variation of those with some; None below two weeks with demand.
    """
    if sold_in < 2:
        return "intermittent" if weeks >= LEAST_WEEKS and sold_in else None
    mean = whole / sold_in
    cv2 = max(squares / sold_in / mean**2 - 1, 0.0)
    if weeks / sold_in > ADI_LINE:
        return "lumpy" if cv2 > CV2_LINE else "intermittent"
    return "erratic" if cv2 > CV2_LINE else "smooth"
