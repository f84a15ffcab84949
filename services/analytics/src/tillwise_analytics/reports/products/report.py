"""Which products carry the shop? Sales, margin, refunds and demand of each, by value and steadiness."""

from __future__ import annotations

from datetime import date
from typing import Any, NamedTuple

from tillwise_analytics.reports.periods import DAY, WEEK, Period, asked, week_begin
from tillwise_analytics.reports.products import maths
from tillwise_analytics.reports.products.chart import charts
from tillwise_analytics.reports.products.columns import OFFERED, columns
from tillwise_analytics.reports.products.maths import Ranked, Sums
from tillwise_analytics.reports.products.notes import notes
from tillwise_analytics.reports.products.params import ProductsParams
from tillwise_analytics.reports.report import Context, Report
from tillwise_common.contracts.reports import ReportAnswer
from tillwise_common.postgres.sql import load

SQL = load("tillwise_analytics.reports.products", "query.sql")
DEFAULT_WEEKS = 13


class Weeks(NamedTuple):
    """The whole weeks of a period by their first days: the first, the last, and the last that is over."""

    first: date
    last: date
    over: date


async def run(context: Context, params: ProductsParams) -> ReportAnswer:
    """The answer. Raises InvalidParameters for a period that cannot be."""
    abc, xyz = params.abc_ends(), params.xyz_ends()
    period = _period(context, params)
    whole = _whole_weeks(context, period)
    products = await _sums(context, params, period, whole)
    ranked = maths.rank(products, _weeks(context, whole, products), abc, xyz)
    classes = maths.matrix(ranked)
    uncosted, weeks = any(p.uncosted for p in products), maths.whole_weeks(whole.first, whole.over, None)
    return context.answer(
        "products",
        params,
        period,
        columns=columns(context.store.currency),
        rows=await _rows(context, _sorted(ranked, params)[: params.limit]),
        totals=_totals(ranked, classes),
        charts=charts(ranked, classes) if ranked else [],
        notes=notes(params, len(ranked), uncosted=uncosted, weeks=weeks),
    )


def _period(context: Context, params: ProductsParams) -> Period:
    today = context.now.date()
    end = params.to or today
    # From the first day of a week on.
    default = end - week_begin(end, context.store.week_start) + (DEFAULT_WEEKS - 1) * WEEK
    return asked(params.from_, params.to, today, default=default)


def _whole_weeks(context: Context, period: Period) -> Weeks:
    week_start = context.store.week_start
    last = week_begin(period.last + DAY, week_start) - WEEK
    return Weeks(week_begin(period.first + WEEK - DAY, week_start), last, min(last, week_begin(context.now.date(), week_start) - WEEK))


async def _sums(context: Context, params: ProductsParams, period: Period, whole: Weeks) -> list[Sums]:
    gross = params.basis == "gross"
    if params.channel is None and params.country is None and params.category is None:
        # Without a whole week the days are all there is.
        first, last = (whole.first, whole.last) if whole.last >= whole.first else (period.last + WEEK, period.last)
        rows = await context.connection.fetch(
            SQL.from_rollups, context.store.id, period.first, period.last, first, last, whole.over, gross, params.sku
        )
    else:
        rows = await context.connection.fetch(
            SQL.from_facts, context.store.id, period.begins(context.zone), period.ends(context.zone), context.store.timezone,
            context.store.week_start, whole.first, whole.over, gross, params.channel, params.country, params.category, params.sku,
        )  # fmt: skip
    return [Sums(*row) for row in rows]


def _weeks(context: Context, whole: Weeks, products: list[Sums]) -> dict[str, int]:
    """In how many whole weeks each product could have sold. Demand is what was ordered, in net without what was cancelled."""
    week_start = context.store.week_start
    by_day = {
        day: maths.whole_weeks(whole.first, whole.over, week_begin(day, week_start))
        for day in {product.first_sale for product in products}
        if day is not None
    }
    return {product.sku: by_day[product.first_sale] for product in products if product.first_sale is not None}


def _sorted(ranked: list[Ranked], params: ProductsParams) -> list[Ranked]:
    if params.sort == "sales":
        return ranked
    if params.sort == "sku":
        return sorted(ranked, key=lambda one: one.sums.sku)
    # What is not known comes last; the order of sales decides ties.
    return sorted(ranked, key=lambda one: _descending(_sorted_by(one, params.sort)))


def _sorted_by(one: Ranked, sort: str) -> float | None:
    match sort:
        case "margin":
            return maths.margin(one.sums)
        case "refund_rate":
            return maths.refund_rate(one.sums)
        case "variation":
            return one.variation
    return int(getattr(one.sums, sort))


def _descending(value: float | None) -> tuple[bool, float]:
    return value is None, -(value or 0)


async def _rows(context: Context, shown: list[Ranked]) -> list[list[Any]]:
    rows = await context.connection.fetch(SQL.described, context.store.id, [one.sums.sku for one in shown])
    described = {sku: (name, category) for sku, name, category in rows}
    return [_row(one, *described.get(one.sums.sku, (None, None))) for one in shown]


def _row(one: Ranked, name: str | None, category: str | None) -> list[Any]:
    sums, earned = one.sums, maths.margin(one.sums)
    return [
        sums.sku, name, category, maths.label(one.abc, one.xyz), one.abc, one.xyz, sums.sales, one.share, one.cumulative, sums.units,
        sums.orders, sums.refunds, maths.refund_rate(sums), None if earned is None else sums.cost, earned, maths.margin_rate(sums),
        one.variation, sums.first_sale, sums.last_sale,
    ]  # fmt: skip


def _totals(ranked: list[Ranked], classes: dict[str, dict[str, int]]) -> dict[str, Any]:
    earned = [found for one in ranked if (found := maths.margin(one.sums)) is not None]
    return {
        "products": len(ranked),
        "sales": sum(one.sums.sales for one in ranked),
        "units": sum(one.sums.units for one in ranked),
        "refunds": sum(one.sums.refunds for one in ranked),
        "cost": sum(one.sums.cost for one in ranked),
        "margin": sum(earned) if earned else None,
        "classes": classes,
    }


REPORT = Report(
    name="products",
    title="Products",
    description="What each product sells and earns, classed by value (ABC) and by how steadily it sells (XYZ).",
    params=ProductsParams,
    run=run,
    columns=OFFERED,
)
