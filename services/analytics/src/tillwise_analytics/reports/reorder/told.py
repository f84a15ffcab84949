"""From what the database tells of products to what is said about ordering them. No I/O."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import inf, isfinite, nan
from typing import Any, NamedTuple

import numpy as np

from tillwise_analytics.reports.figures import LARGEST
from tillwise_analytics.reports.reorder import maths
from tillwise_analytics.reports.reorder.maths import PATTERNS, Demand, Numbers, Plan, Terms
from tillwise_analytics.reports.reorder.params import ReorderParams

DEFAULT_LEAD_TIME = 14.0
SOON_DAYS = 7
URGENCIES = ("out of stock", "order now", "order soon", "enough", "no demand")
OUT, NOW, SOON, ENOUGH, NO_DEMAND = range(len(URGENCIES))
Row = Mapping[str, Any]


class Told(NamedTuple):
    """Products and what to do about them: `rows` as the database told them, and beside them a figure of each in every array."""

    rows: Sequence[Row]
    on_hand: Numbers
    demand: Demand
    terms: Terms
    plan: Plan
    # Of season and trend; not a number where they are not known.
    factor: Numbers
    # A place in URGENCIES.
    urgency: Numbers
    # In how many days stock falls to the reorder point, and to nothing; infinite where nothing is sold.
    order_in: Numbers
    out_in: Numbers
    # For how many days the units on hand last; not a number where nothing is sold.
    cover: Numbers
    # What the order costs, in minor units; not a number where that is not known.
    cost: Numbers
    # A place in PATTERNS; -1 where no order tells.
    pattern: Numbers


class Adviser:
    """Says what to do about products; `factor_of` tells season and trend of a category over so many days, where they are known."""

    def __init__(self, params: ReorderParams, factor_of: Callable[[str | None, float], float | None]) -> None:
        self._params, self._factor_of = params, factor_of
        # Most products share their terms, and their season, with many others.
        self._terms_of: dict[tuple[Any, ...], Terms] = {}
        self._seasons: dict[tuple[str | None, float], tuple[float, float]] = {}

    def tell(self, rows: Sequence[Row]) -> Told:
        """What to do about these."""
        params, terms = self._params, self._terms(rows)
        factor, year = self._season(rows, terms)
        demand, weeks = _demand(rows, np.where(np.isnan(factor), 1.0, factor))
        on_hand, unit_cost = _column(rows, "on_hand"), _column(rows, "unit_cost")
        position = on_hand + _column(rows, "in_transit")
        plan = maths.plan(
            position, demand, terms, a_year=demand.mean * maths.DAYS_A_YEAR * year, z=maths.safety_factor(params.service_level),
            review=params.review, order_cost=params.order_cost, unit_cost=unit_cost, holding=params.holding_rate,
        )  # fmt: skip
        sells = demand.mean > 0
        mean = np.where(sells, demand.mean, 1.0)
        order_in, out_in = np.where(sells, (position - plan.point) / mean, inf), np.where(sells, on_hand / mean, inf)
        return Told(
            rows,
            on_hand,
            demand,
            terms,
            plan,
            factor,
            _urgency(on_hand, plan, order_in, sells),
            order_in,
            out_in,
            np.where(sells, np.maximum(out_in, 0.0), nan),
            _cost(plan.order, unit_cost),
            _pattern(rows, weeks),
        )

    def _season(self, rows: Sequence[Row], terms: Terms) -> tuple[Numbers, Numbers]:
        """The factor until the delivery, and that of a year beside it: of the season a year has all, until the delivery it has a part."""
        found = [self._season_of(row["category"], lead) for row, lead in zip(rows, terms.lead_time.tolist(), strict=True)]
        return np.array([one for one, _ in found], dtype=float), np.array([year for _, year in found], dtype=float)

    def _season_of(self, category: str | None, lead_time: float) -> tuple[float, float]:
        known = self._seasons.get((category, lead_time))
        if known is None:
            factor = self._factor_of(category, lead_time + self._params.review)
            year = self._factor_of(category, maths.DAYS_A_YEAR - 1)
            beside = 1.0 if not factor or year is None else year / factor
            known = self._seasons[category, lead_time] = (nan if factor is None else factor, beside)
        return known

    def _terms(self, rows: Sequence[Row]) -> Terms:
        found = []
        for row in rows:
            told = (row["lead_time_days"], row["lead_time_sd"], row["pack"], row["least"], row["most"])
            terms = self._terms_of.get(told)
            if terms is None:
                terms = self._terms_of[told] = self._read(*told)
            found.append(terms)
        return Terms(*np.array(found, dtype=float).reshape(-1, len(Terms._fields)).T)

    def _read(self, lead: float | None, lead_sd: str | None, pack: str | None, least: str | None, most: str | None) -> Terms:
        params, largest = self._params, number(most)
        return Terms(
            params.lead_time_days if params.lead_time_days is not None else DEFAULT_LEAD_TIME if lead is None else lead,
            params.lead_time_sd if params.lead_time_sd is not None else number(lead_sd) or 0.0,
            max(int(number(pack) or 1), 1),
            int(number(least) or 0),
            int(largest) if largest and largest >= 1 else inf,
        )


def _column(rows: Sequence[Row], name: str) -> Numbers:
    """A figure of each row; not a number where it is null."""
    return np.array([row[name] for row in rows], dtype=float)


def _demand(rows: Sequence[Row], factor: Numbers) -> tuple[Demand, Numbers]:
    """Demand since each product's stock was known or it was ordered first, and in how many whole weeks it could be sold."""
    days, empty, units, sold_in = (_column(rows, name) for name in ("days", "empty_days", "units", "sold_in"))
    known = days > 0
    units = np.where(np.isnan(units), np.maximum(_column(rows, "moved"), 0.0), units)
    weeks = _column(rows, "whole_weeks")
    # Weeks without an order, as many as there were without stock, say nothing of demand.
    weeks = np.where(known, weeks - np.maximum(np.minimum(empty // 7, weeks - sold_in), 0), 0)
    per_day = np.where(known, units / np.maximum(days - empty, 1.0), 0.0)
    demand = maths.daily(_column(rows, "whole"), _column(rows, "squares"), weeks, per_day, factor)
    return Demand(demand.mean, np.where(known, demand.deviation, 0.0)), weeks


def _pattern(rows: Sequence[Row], weeks: Numbers) -> Numbers:
    found = maths.pattern(_column(rows, "whole"), _column(rows, "squares"), weeks, _column(rows, "sold_in"))
    return np.where(np.isnan(_column(rows, "units")), -1, found)


def _urgency(on_hand: Numbers, plan: Plan, order_in: Numbers, sells: Numbers) -> Numbers:
    later = np.where(order_in < SOON_DAYS + 1, SOON, ENOUGH)
    due = np.where(on_hand <= 0, OUT, NOW)
    return np.where(sells, np.where(plan.order > 0, due, later), NO_DEMAND)


def _cost(units: Numbers, unit_cost: Numbers) -> Numbers:
    cost = np.rint(unit_cost * units)
    return np.where(units > 0, np.where(np.abs(cost) > LARGEST, nan, cost), 0.0)


def said(code: int) -> str | None:
    """A pattern in a word."""
    return None if code < 0 else PATTERNS[code]


def number(text: str | None) -> float | None:
    """A product's attribute as a number from 0 on; None where it says something else."""
    if text is None:
        return None
    try:
        value = float(text)
    except ValueError:
        return None
    return value if isfinite(value) and 0 <= value <= 10**9 else None
