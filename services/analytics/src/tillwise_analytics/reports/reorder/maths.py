"""When to order and how much. No I/O. Silver, Pyke & Peterson, Inventory Management and Production Planning and Scheduling, 1998:
chapters 5 (economic order quantity) and 7 (continuous review, variable lead times).

All of it takes numbers of one product, or arrays with those of many.
"""

from __future__ import annotations

from statistics import NormalDist
from typing import Any, NamedTuple, TypeAlias

import numpy as np

Numbers: TypeAlias = Any
# Demand is called intermittent, erratic or both beyond these (Syntetos, Boylan & Croston 2005).
ADI_LINE, CV2_LINE = 1.32, 0.49
# With fewer whole weeks the spread of demand is that of a Poisson process.
LEAST_WEEKS = 4
DAYS_A_YEAR = 365.0
# Without a known cost there is no economic quantity: four weeks of demand instead.
WITHOUT_COST_DAYS = 28.0


PATTERNS = ("smooth", "erratic", "intermittent", "lumpy")


class Demand(NamedTuple):
    """Units per day and their standard deviation."""

    mean: Numbers
    deviation: Numbers


class Terms(NamedTuple):
    """What a supplier's terms are: days until delivery and their deviation, the least, the most and the multiple of an order."""

    lead_time: Numbers
    lead_time_sd: Numbers
    pack: Numbers = 1.0
    least: Numbers = 0.0
    most: Numbers = np.inf


class Plan(NamedTuple):
    """The stock at which to order, the part of it that is for safety, and how many units to order now."""

    point: Numbers
    safety: Numbers
    order: Numbers


def safety_factor(service_level: float) -> float:
    """z: the normal quantile of the service level (of a cycle: the probability of no stock-out until the delivery)."""
    return NormalDist().inv_cdf(service_level)


def daily(whole: Numbers, squares: Numbers, weeks: Numbers, per_day: Numbers, factor: Numbers) -> Demand:
    """Demand per day: `per_day` over the days in stock, its deviation from weekly units (their sum and sum of squares), both times
    the factor of season and trend. Days are taken as independent of each other, so a week's variance is seven times a day's.
    """
    counted = np.maximum(weeks, LEAST_WEEKS)
    spread = (squares - whole * whole / counted) / (counted - 1) / 7
    variance = np.where(np.less(weeks, LEAST_WEEKS), per_day, spread)
    return Demand(per_day * factor, np.sqrt(np.maximum(variance, 0.0)) * factor)


def reorder_point(demand: Demand, days: Numbers, days_sd: Numbers, z: float) -> tuple[Numbers, Numbers]:
    """d*L + z*sqrt(L*sigma_d^2 + d^2*sigma_L^2), and its second part, the safety stock. Units."""
    safety = z * np.sqrt(days * demand.deviation**2 + (demand.mean * days_sd) ** 2)
    return demand.mean * days + safety, safety


def economic_quantity(a_year: Numbers, order_cost: float, holding_cost: Numbers) -> Numbers:
    """sqrt(2*D*K/h): D units a year, K per order, h to hold a unit for a year (Harris 1913)."""
    return np.sqrt(2 * a_year * order_cost / holding_cost)


def plan(
    position: Numbers,
    demand: Demand,
    terms: Terms,
    *,
    a_year: Numbers,
    z: float,
    review: float,
    order_cost: float,
    unit_cost: Numbers,
    holding: float,
) -> Plan:
    """What to do about a product with `position` units on hand and on their way. `demand` is that of the days until the delivery,
    `a_year` the units of a year, which with a season is another rate; `unit_cost` is not a number where nobody knows it.
    """
    point, safety = reorder_point(demand, terms.lead_time + review, terms.lead_time_sd, z)
    costs = np.greater(unit_cost, 0)
    # Nobody orders for longer than a year, however cheap it is.
    economic = np.minimum(economic_quantity(a_year, order_cost, holding * np.where(costs, unit_cost, 1.0)), a_year)
    lot = np.where(costs, economic, demand.mean * WITHOUT_COST_DAYS)
    due = np.greater(demand.mean, 0) & np.less_equal(position, point)
    return Plan(point, safety, np.where(due, in_packs(np.maximum(lot, point - position), terms), 0.0))


def in_packs(quantity: Numbers, terms: Terms) -> Numbers:
    """The quantity as it can be ordered: at least the least, in whole packs, at most the most (but a pack)."""
    packs = np.ceil(np.maximum(np.maximum(quantity, terms.least), 1) / terms.pack - 1e-9)
    return np.minimum(packs, np.maximum(np.floor(terms.most / terms.pack), 1)) * terms.pack


def pattern(whole: Numbers, squares: Numbers, weeks: Numbers, sold_in: Numbers) -> Numbers:
    """How demand comes, as a place in PATTERNS, by the weeks between two with demand and by the squared coefficient of variation of
    those with some; -1 below two weeks with demand (one in many is intermittent).
    """
    times = np.maximum(sold_in, 1)
    cv2 = squares / times / np.square(np.maximum(whole, 1) / times) - 1
    found = 2 * np.greater(weeks / times, ADI_LINE) + np.greater(cv2, CV2_LINE)
    once = np.where(np.greater_equal(weeks, LEAST_WEEKS) & np.greater(sold_in, 0), PATTERNS.index("intermittent"), -1)
    return np.where(np.less(sold_in, 2), once, found)
