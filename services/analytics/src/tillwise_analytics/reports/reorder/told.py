"""From what the database tells of a product to what is said about ordering it. No I/O."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from math import floor, isfinite
from typing import Any, NamedTuple

from tillwise_analytics.reports.reorder import maths
from tillwise_analytics.reports.reorder.maths import Demand, Plan, Terms
from tillwise_analytics.reports.reorder.params import ReorderParams

DAY = 86_400
DEFAULT_LEAD_TIME = 14.0
SOON = timedelta(days=7)
FURTHEST = date(2200, 1, 1)
LARGEST = 10**15


@dataclass(frozen=True)
class Window:
    """The weeks from which demand is told: since `begin`, of which `whole` are over."""

    begin: datetime
    whole: int
    now: datetime


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
    order_by: date | None
    stock_out: date | None

    @property
    def cost(self) -> int | None:
        """What the order costs, in minor units; None where that is not known."""
        unit_cost = self.row["unit_cost"]
        if not self.plan.order:
            return 0
        cost = None if unit_cost is None else unit_cost * self.plan.order
        return round(cost) if cost is not None and cost <= LARGEST else None

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

    def __init__(self, params: ReorderParams, window: Window, factor_of: Callable[[str | None, float], float | None]) -> None:
        self._params, self._window, self._factor_of = params, window, factor_of
        self._z = maths.safety_factor(params.service_level)
        self._today = window.now.date()

    def tell(self, row: Mapping[str, Any]) -> Told:
        """What to do about a product."""
        params, terms = self._params, self._terms(row)
        factor = self._factor_of(row["category"], terms.lead_time + params.review)
        demand, weeks = self._demand(row, 1.0 if factor is None else factor)
        position = row["on_hand"] + row["in_transit"]
        plan = maths.plan(
            position, demand, terms, z=self._z, review=params.review, order_cost=params.order_cost, unit_cost=row["unit_cost"],
            holding=params.holding_rate,
        )  # fmt: skip
        if demand.mean <= 0:
            return Told(row, demand, terms, plan, factor, weeks, "no demand", None, None)
        order_by = self._after((position - plan.point) / demand.mean)
        stock_out = self._after(row["on_hand"] / demand.mean)
        return Told(row, demand, terms, plan, factor, weeks, self._urgency(row["on_hand"], plan, order_by), order_by, stock_out)

    def _demand(self, row: Mapping[str, Any], factor: float) -> tuple[Demand, int]:
        """Since the product's stock was known or it was ordered first, less the days it was out of stock."""
        window, begin, first = self._window, self._window.begin, row["first"]
        known = row["since"]
        if first is not None:
            ordered = datetime(first.year, first.month, first.day, tzinfo=window.now.tzinfo)
            known = ordered if known is None or ordered < known else known
        begin = max(begin, known) if known is not None else begin
        days = (window.now - begin).total_seconds() / DAY
        if days <= 0:
            return Demand(0.0, 0.0), 0
        out = max(row["empty_days"] or 0.0, 0.0)
        if row["units"] is None:
            return maths.daily(0, 0, 0, max(row["moved"] or 0.0, 0.0) / max(days - out, 1.0), factor), 0
        # Whole weeks without stock and without an order say nothing of demand.
        weeks = min(window.whole, int(days // 7))
        weeks -= max(min(int(out // 7), weeks - row["sold_in"]), 0)
        return maths.daily(row["whole"], row["squares"], weeks, row["units"] / max(days - out, 1.0), factor), weeks

    def _terms(self, row: Mapping[str, Any]) -> Terms:
        params, lead, most = self._params, row["lead_time_days"], number(row["most"])
        return Terms(
            params.lead_time_days if params.lead_time_days is not None else DEFAULT_LEAD_TIME if lead is None else lead,
            params.lead_time_sd if params.lead_time_sd is not None else number(row["lead_time_sd"]) or 0.0,
            max(int(number(row["pack"]) or 1), 1),
            int(number(row["least"]) or 0),
            int(most) if most else None,
        )

    def _urgency(self, on_hand: int, plan: Plan, order_by: date | None) -> str:
        if plan.order:
            return "out of stock" if on_hand <= 0 else "order now"
        return "order soon" if order_by is not None and order_by <= self._today + SOON else "enough"

    def _after(self, days: float) -> date | None:
        if days > (FURTHEST - self._today).days:
            return None
        return self._today + timedelta(days=max(floor(days), 0))


def number(text: str | None) -> float | None:
    """A product's attribute as a number from 0 on; None where it says something else."""
    if text is None:
        return None
    try:
        value = float(text)
    except ValueError:
        return None
    return value if isfinite(value) and 0 <= value <= 10**9 else None
