"""What lies in stock? Units, value, cover, turnover and what running out costs, by product or place."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import orjson

from tillwise_analytics.reports.figures import day_ahead, money
from tillwise_analytics.reports.inventory import maths
from tillwise_analytics.reports.inventory.chart import charts
from tillwise_analytics.reports.inventory.columns import OFFERED, columns, names
from tillwise_analytics.reports.inventory.notes import notes
from tillwise_analytics.reports.inventory.params import InventoryParams
from tillwise_analytics.reports.periods import DAY, WEEK, Period, asked, not_after, week_begin
from tillwise_analytics.reports.report import Context, Report
from tillwise_analytics.stock.ahead import NONE, ahead_of
from tillwise_common.contracts.reports import ReportAnswer
from tillwise_common.money import exponent
from tillwise_common.postgres.sql import load

SQL = load("tillwise_analytics.reports.inventory", "query.sql")
DEFAULT_WEEKS = 13


async def run(context: Context, params: InventoryParams) -> ReportAnswer:
    """The answer. Raises InvalidParameters for a period that cannot be."""
    period = _period(context, params)
    found = await _figures(context, params, period)
    totals, rows = orjson.loads(found[0]["totals"]), [row for row in found if row["sku"] is not None]
    last, at = await _last(context, params, period, rows), _at(context, period)
    return context.answer(
        "inventory",
        params,
        period,
        columns=columns(context.store.currency, places=params.places()),
        rows=[_row(row, *last[row["sku"], row["location"]], params, at) for row in rows],
        totals=_totals(totals),
        charts=charts(totals, exponent(context.store.currency)),
        notes=notes(params, period, totals),
    )


def _period(context: Context, params: InventoryParams) -> Period:
    last = params.last()
    today = context.now.date()
    not_after("as_of", params.as_of, today)
    end = last or today
    default = end - week_begin(end, context.store.week_start) + (DEFAULT_WEEKS - 1) * WEEK
    return asked(params.from_, last, today, default=default)


def _at(context: Context, period: Period) -> datetime:
    """The moment of which stock is told: now, or the last one of a period that is over."""
    return min(period.ends(context.zone).astimezone(context.zone) - timedelta(microseconds=1), context.now)


async def _figures(context: Context, params: InventoryParams, period: Period) -> list[Any]:
    week_start, places = context.store.week_start, params.places()
    first, last = week_begin(period.first + WEEK - DAY, week_start), week_begin(period.last + DAY, week_start) - WEEK
    if last < first:
        # Without a whole week the days are all there is.
        first, last = period.last + WEEK, period.last
    ends = min(period.ends(context.zone), context.now)
    # What is dated ahead of now is not there yet. Days tell what was there before.
    later = await ahead_of(context.connection, context.store, context.now, params.sku) if ends == context.now else NONE
    statement = SQL.demand + (SQL.by_place if places else SQL.by_product) + SQL.figures
    asked_for = (
        context.store.id, period.first, period.last, first, last, period.begins(context.zone), ends,
        week_begin(period.first, week_start) == period.first, ends == context.now, params.category, params.sku, params.location,
        params.sort, params.limit, places, context.store.timezone,
        later.skus, later.products, later.places,
    )  # fmt: skip
    return list(await context.connection.fetch(statement, *asked_for))


async def _last(
    context: Context, params: InventoryParams, period: Period, rows: list[Any]
) -> dict[tuple[str, str | None], tuple[date | None, date | None]]:
    """The days of the last receipt and sale of each row."""
    moments = {(row["sku"], row["location"]): (row["last_receipt"], row["last_sale"]) for row in rows}
    fetch, store, skus = context.connection.fetch, context.store.id, [row["sku"] for row in rows]
    ends = period.ends(context.zone)
    if ends < context.now:
        moved = await fetch(SQL.last_moves, store, skus, [row["location"] for row in rows], ends)
        moments |= {(row["sku"], row["location"]): (row["last_receipt"], row["last_sale"]) for row in moved}
    unsold = [] if params.places() else [sku for (sku, _), (_, sale) in moments.items() if sale is None]
    orders = {row["sku"]: row["day"] for row in await fetch(SQL.last_orders, store, unsold, period.last)} if unsold else {}
    return {
        key: (_day(context, receipt), _day(context, sale) if sale is not None else orders.get(key[0]))
        for key, (receipt, sale) in moments.items()
    }


def _day(context: Context, moment: Any) -> date | None:
    return None if moment is None else moment.astimezone(context.zone).date()


def _row(row: Any, last_receipt: date | None, last_sale: date | None, params: InventoryParams, at: datetime) -> list[Any]:
    figures = {
        "sku": row["sku"], "name": row["name"], "category": row["category"], "location": row["location"],
        "status": maths.status(row["on_hand"], row["per_day"], row["cover"]), "on_hand": row["on_hand"], "in_transit": row["in_transit"],
        "unit_cost": row["unit_cost"],
        "value": money(row["value"]), "value_average": money(row["average_value"]), "unknown": row["unknown"],
        "sold": round(row["units"]), "sold_per_day": row["per_day"], "days_of_cover": row["cover"],
        "stock_out_date": day_ahead(at, row["cover"]), "sell_through": row["sell_through"],
        "turnover": maths.ratio(row["cost_a_year"], row["average_stock"]),
        "gmroi": maths.ratio(row["margin_a_year"], row["average_stock"]), "days_out": row["out_days"],
        "lost_units": row["lost_units"], "lost_sales": money(row["lost_sales"]),
        "last_receipt": last_receipt, "last_sale": last_sale,
    }  # fmt: skip
    return [figures[name] for name in names(places=params.places())]


def _totals(totals: dict[str, Any]) -> dict[str, Any]:
    return {
        "products": totals["products"],
        "on_hand": totals["on_hand"],
        "in_transit": totals["in_transit"],
        "value": money(totals["value"]),
        "value_average": money(totals["value_average"]),
        "unknown": totals["unknown"],
        "sold": round(totals["units"]),
        "turnover": maths.ratio(totals["cost_a_year"], totals["stock"]),
        "gmroi": maths.ratio(totals["margin_a_year"], totals["margin_stock"]),
        "lost_sales": money(totals["lost_sales"]),
        "out_of_stock": totals["out_of_stock"],
        "below_zero": totals["below_zero"],
    }


REPORT = Report(
    name="inventory",
    title="Inventory",
    description="What lies in stock and what it is worth, how long it lasts, how often it turns, and what running out costs.",
    params=InventoryParams,
    run=run,
    columns=OFFERED,
    needs=("stock",),
)
