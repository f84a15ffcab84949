"""From what the database tells of a product to what is said about ordering it. No I/O."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import inf, isfinite
from typing import Any, NamedTuple

from tillwise_analytics.reports.figures import money
from tillwise_analytics.reports.reorder import maths
from tillwise_analytics.reports.reorder.maths import Demand, Plan, Terms
from tillwise_analytics.reports.reorder.params import ReorderParams

DEFAULT_LEAD_TIME = 14.0
SOON_DAYS = 7


class Told(NamedTuple):
    """A product and what to do about it. `row` is as the database told it."""

    row: Mapping[str, Any]
    demand: Demand
    terms: Terms
    plan: Plan
    factor: float | None
    # Whole weeks in which it could be sold.
    weeks: int
    urgency: str
    # In how many days stock falls to the reorder point, and to nothing; infinite where nothing is sold.
    order_in: float
    out_in: float
    # What the order costs, in minor units; None where that is not known.
    cost: int | None

    @property
    def pattern(self) -> str | None:
        """How its demand comes; None where no order tells."""
        row = self.row
        return None if row["units"] is None else maths.pattern(row["whole"], row["squares"], self.weeks, row["sold_in"])

    @property
    def cover(self) -> float | None:
        """For how many days the units on hand last."""
        return max(self.row["on_hand"], 0) / self.demand.mean if self.demand.mean > 0 else None


class Adviser:
    """Says what to do about each product; `factor_of` tells season and trend of a category over so many days, where they are known."""

    def __init__(self, params: ReorderParams, factor_of: Callable[[str | None, float], float | None]) -> None:
        self._params, self._factor_of = params, factor_of
        self._z = maths.safety_factor(params.service_level)
        # Most products share their terms with many others.
        self._known: dict[tuple[Any, ...], Terms] = {}

    def tell(self, row: Mapping[str, Any]) -> Told:
        """What to do about a product."""
        params, terms = self._params, self._terms(row)
        factor = self._factor_of(row["category"], terms.lead_time + params.review)
        demand, weeks = self._demand(row, 1.0 if factor is None else factor)
        # Of the season a year has all; until the delivery it has a part.
        year = self._factor_of(row["category"], maths.DAYS_A_YEAR - 1)
        a_year = demand.mean * maths.DAYS_A_YEAR * (1.0 if not factor or year is None else year / factor)
        on_hand, mean = row["on_hand"], demand.mean
        position = on_hand + row["in_transit"]
        plan = maths.plan(
            position, demand, terms, a_year=a_year, z=self._z, review=params.review, order_cost=params.order_cost,
            unit_cost=row["unit_cost"], holding=params.holding_rate,
        )  # fmt: skip
        if mean <= 0:
            return Told(row, demand, terms, plan, factor, weeks, "no demand", inf, inf, 0)
        order_in = (position - plan.point) / mean
        return Told(
            row,
            demand,
            terms,
            plan,
            factor,
            weeks,
            _urgency(on_hand, plan, order_in),
            order_in,
            on_hand / mean,
            _cost(plan.order, row["unit_cost"]),
        )

    def _demand(self, row: Mapping[str, Any], factor: float) -> tuple[Demand, int]:
        """Demand since the product's stock was known or it was ordered first, and in how many whole weeks it could be sold."""
        days, empty, units = row["days"], row["empty_days"], row["units"]
        if days <= 0:
            return Demand(0.0, 0.0), 0
        selling = max(days - empty, 1.0)
        if units is None:
            units = max(row["moved"], 0.0)
        weeks = row["whole_weeks"]
        # Weeks without an order, as many as there were without stock, say nothing of demand.
        weeks -= max(min(int(empty // 7), weeks - row["sold_in"]), 0)
        return maths.daily(row["whole"], row["squares"], weeks, units / selling, factor), weeks

    def _terms(self, row: Mapping[str, Any]) -> Terms:
        told = (row["lead_time_days"], row["lead_time_sd"], row["pack"], row["least"], row["most"])
        terms = self._known.get(told)
        if terms is None:
            terms = self._known[told] = self._read(*told)
        return terms

    def _read(self, lead: float | None, lead_sd: str | None, pack: str | None, least: str | None, most: str | None) -> Terms:
        params, largest = self._params, number(most)
        return Terms(
            params.lead_time_days if params.lead_time_days is not None else DEFAULT_LEAD_TIME if lead is None else lead,
            params.lead_time_sd if params.lead_time_sd is not None else number(lead_sd) or 0.0,
            max(int(number(pack) or 1), 1),
            int(number(least) or 0),
            int(largest) if largest else None,
        )


def _cost(units: int, unit_cost: float | None) -> int | None:
    if not units:
        return 0
    return None if unit_cost is None else money(unit_cost * units)


def _urgency(on_hand: int, plan: Plan, order_in: float) -> str:
    if plan.order:
        return "out of stock" if on_hand <= 0 else "order now"
    return "order soon" if order_in < SOON_DAYS + 1 else "enough"


def number(text: str | None) -> float | None:
    """A product's attribute as a number from 0 on; None where it says something else."""
    if text is None:
        return None
    try:
        value = float(text)
    except ValueError:
        return None
    return value if isfinite(value) and 0 <= value <= 10**9 else None
