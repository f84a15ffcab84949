"""What must be ordered? The reorder point, the quantity and the day for each product, by supplier."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from math import ceil, inf, isnan
from typing import Any

import numpy as np

from tillwise_analytics.reports.figures import day_ahead, money
from tillwise_analytics.reports.periods import WEEK, Period, midnight, week_begin
from tillwise_analytics.reports.reorder import season
from tillwise_analytics.reports.reorder.chart import charts
from tillwise_analytics.reports.reorder.columns import OFFERED, columns
from tillwise_analytics.reports.reorder.notes import notes
from tillwise_analytics.reports.reorder.params import ReorderParams
from tillwise_analytics.reports.reorder.season import Rhythm
from tillwise_analytics.reports.reorder.told import URGENCIES, Adviser, Told, said
from tillwise_analytics.reports.report import Context, Report
from tillwise_analytics.stock.ahead import ahead_of
from tillwise_common.contracts.reports import ReportAnswer
from tillwise_common.money import exponent
from tillwise_common.postgres.sql import load

SQL = load("tillwise_analytics.reports.reorder", "query.sql")
SEASONS_YEARS = 3
# Of a product of which nothing was sold in these weeks, or whose stock is known since this week.
NOTHING = {"whole": 0, "squares": 0, "sold_in": 0}
# With more categories each is too small, and reading them too slow: the store's season serves for all.
MOST_CATEGORIES = 40


async def run(context: Context, params: ReorderParams) -> ReportAnswer:
    """The answer."""
    week = week_begin(context.now.date(), context.store.week_start)
    first = week - (params.weeks - 1) * WEEK
    begin = midnight(first, context.zone)
    later = await ahead_of(context.connection, context.store, context.now, params.sku)
    rows = await context.connection.fetch(
        SQL.products, context.store.id, first, begin, week, context.now, params.category, params.sku, params.supplier,
        context.store.timezone, later.skus, later.products,
    )  # fmt: skip
    adviser = Adviser(params, await _factors(context, params.weeks, week))
    told = adviser.tell(await _with_movements(context, rows, first, week))
    shown = (np.flatnonzero(told.plan.order > 0) if params.due else np.arange(len(rows))).tolist()
    found = _suppliers(told, shown, context.now) if params.by else _products(told, shown, params, context.now)
    return context.answer(
        "reorder",
        params,
        Period(first, context.now.date()),
        columns=columns(context.store.currency, suppliers=params.by is not None),
        rows=found[: params.limit],
        totals=_sums(told, range(len(rows))),
        charts=charts(told, exponent(context.store.currency)),
        notes=notes(params, told, len(found[: params.limit]), len(found) if params.by else len(shown)),
    )


async def _with_movements(context: Context, rows: list[Any], first: date, week: date) -> list[Any]:
    """The products, those that no order names with the weekly units of their sale movements."""
    lately = [row["sku"] for row in rows if row["moved_lately"]]
    found = await context.connection.fetch(SQL.moved_weeks, context.store.id, first, week, lately, context.store.timezone) if lately else []
    moved = {row["sku"]: dict(row) for row in found}
    return [{**row, **moved.get(row["sku"], NOTHING)} if row["units"] is None else row for row in rows]


async def _factors(context: Context, base: int, week: date) -> Callable[[str | None, float], float | None]:
    """Season and trend of a category over the next days, relative to the last `base` weeks; None where they are not known."""
    rhythms = await _rhythms(context, week)
    known: dict[tuple[str | None, int], float | None] = {}

    def factor(category: str | None, days: float) -> float | None:
        key = (category if category in rhythms else None, max(ceil(days / 7), 1))
        if key not in known:
            rhythm = rhythms.get(key[0])
            # The week that runs counts as the first one to come.
            known[key] = None if rhythm is None else rhythm.factor(base, key[1])
        return known[key]

    return factor


async def _rhythms(context: Context, week: date) -> dict[str | None, Rhythm]:
    """Season and trend of the categories that have one, and of the store (None)."""
    opened = await context.connection.fetchval(SQL.opened, context.store.id)
    if opened is None or (week - opened).days < season.LEAST_YEARS * season.YEAR * 7:
        return {}
    years = min((week - opened).days // (season.YEAR * 7), SEASONS_YEARS)
    begin = week - years * season.YEAR * WEEK
    weeks: dict[str | None, list[float]] = defaultdict(lambda: [0.0] * (years * season.YEAR))
    day = timedelta(days=1)
    for row in await context.connection.fetch(SQL.groups, context.store.id, begin, week - day, context.store.week_start):
        weeks[row["category"]][(row["week"] - begin).days // 7] = row["units"]
    if len(weeks) > MOST_CATEGORIES:
        weeks = defaultdict(list, {None: weeks[None]})
    return {category: found for category, units in weeks.items() if (found := season.rhythm(units)) is not None}


def _products(told: Told, shown: list[int], params: ReorderParams, now: datetime) -> list[list[Any]]:
    keys = [*zip(*_places(told, params.sort), (row["sku"] for row in told.rows), strict=True)]
    return [_row(told, one, now) for one in sorted(shown, key=keys.__getitem__)[: params.limit]]


def _places(told: Told, sort: str) -> list[list[float]]:
    match sort:
        case "cost":
            keys = [-np.nan_to_num(told.cost)]
        case "order":
            keys = [-told.plan.order]
        case "days_of_cover":
            keys = [np.nan_to_num(told.cover, nan=inf)]
        case "sku":
            keys = []
        case _:
            keys = [told.urgency, told.order_in, told.out_in]
    return [key.tolist() for key in keys]


def _row(told: Told, one: int, now: datetime) -> list[Any]:
    row, demand, plan = told.rows[one], told.demand, told.plan
    return [
        row["sku"], row["name"], row["category"], row["supplier"], URGENCIES[told.urgency[one]], row["on_hand"], row["in_transit"],
        int(plan.order[one]), money(_known(told.cost[one])), day_ahead(now, float(told.order_in[one])),
        day_ahead(now, float(told.out_in[one])), _known(told.cover[one]), float(demand.mean[one]), float(demand.deviation[one]),
        _known(told.factor[one]), said(told.pattern[one]), float(told.terms.lead_time[one]), float(plan.point[one]),
        float(plan.safety[one]), row["unit_cost"],
    ]  # fmt: skip


def _known(value: Any) -> float | None:
    return None if isnan(value) else float(value)


def _suppliers(told: Told, shown: list[int], now: datetime) -> list[list[Any]]:
    groups: dict[str, list[int]] = defaultdict(list)
    for one in shown:
        groups[told.rows[one]["supplier"] or ""].append(one)
    found = []
    for supplier, products in groups.items():
        figures = _sums(told, products)
        days = [day_ahead(now, float(moments[products].min())) for moments in (told.order_in, told.out_in)]
        found.append([supplier, figures["products"], figures["due"], figures["out_of_stock"], figures["order"], figures["cost"], *days])
    return sorted(found, key=lambda row: (-row[2], -row[5], row[0]))


def _sums(told: Told, products: Sequence[int]) -> dict[str, Any]:
    these = np.fromiter(products, dtype=np.intp)
    order, cost = told.plan.order[these], np.nan_to_num(told.cost[these])
    return {
        "products": len(these),
        "due": int(np.count_nonzero(order)),
        "out_of_stock": int(np.count_nonzero((told.on_hand[these] <= 0) & (told.demand.mean[these] > 0))),
        "order": sum(map(int, order.tolist())),
        "cost": sum(map(int, cost.tolist())),
    }


REPORT = Report(
    name="reorder",
    title="Reorder",
    description="What to order now, how much and from whom: reorder points with safety stock, quantities in whole packs, and the days on "
    "which stock runs out.",
    params=ReorderParams,
    run=run,
    columns=OFFERED,
    needs=("stock",),
)
