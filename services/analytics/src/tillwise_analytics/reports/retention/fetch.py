"""Fetches what cohorts did, the customers behind a cell, and how long customers wait between orders."""

from __future__ import annotations

from datetime import date
from typing import Any

from tillwise_analytics.reports.report import Context
from tillwise_analytics.reports.retention.maths import Sums
from tillwise_analytics.reports.retention.plan import Plan
from tillwise_common.postgres.sql import load

SQL = load("tillwise_analytics.reports.retention", "query.sql")
# Cohort and group (None: all others) -> what they did at offset 0, 1, …, and in all periods behind the last one shown.
Histories = dict[tuple[date, str | None], list[Sums]]


async def histories(context: Context, plan: Plan) -> Histories:
    """What each cohort did since; without a breakdown, its group is ""."""
    found: Histories = {}
    for row in await (_from_cells if plan.is_kept else _from_days)(context, plan):
        group = "" if plan.params.by is None else row["grp"]
        history = found.setdefault((row["cohort"], group), [Sums()] * (plan.periods + 1))
        history[row["period"]] = Sums(row["customers"], row["lasts"], row["orders"], row["sales"], row["margin"])
    return found


async def _from_cells(context: Context, plan: Plan) -> list[Any]:
    params, dim = plan.params, plan.dim
    value = params.filters().get(dim or "", None if params.by else "")
    top = params.top if params.by else 1
    rows: list[Any] = await context.connection.fetch(
        SQL.from_cells, context.store.id, params.basis, params.period, dim, value, plan.cohorts, plan.periods, top
    )
    return rows


async def _from_days(context: Context, plan: Plan) -> list[Any]:
    params = plan.params
    rows: list[Any] = await context.connection.fetch(
        SQL.from_days, context.store.id, params.basis, params.period, context.store.week_start, *_whose(plan), params.by, plan.periods,
        params.top if params.by else 1,
    )  # fmt: skip
    return rows


async def customers(context: Context, plan: Plan) -> list[Any]:
    """One page of the customers behind a cell; `found` of each row says how many there are."""
    params = plan.params
    rows: list[Any] = await context.connection.fetch(
        SQL.customers, context.store.id, params.basis, params.period, *_whose(plan), params.offset or 0,
        params.mode == "on_or_after", params.returned, params.limit, (params.page - 1) * params.limit,
    )  # fmt: skip
    return rows


def _whose(plan: Plan) -> tuple[Any, ...]:
    """Whose days, since when, and what makes a return: arguments of all that reads days."""
    params = plan.params
    return (
        plan.cohorts[0], plan.last_day, params.cohort == "recurring", plan.rolling_days, params.min_orders,
        params.channel, params.country, params.category,
    )  # fmt: skip


async def waiting(context: Context, plan: Plan) -> tuple[dict[int, int], dict[int, int]] | None:
    """How often the next order came after how many days, and for how many days how many customers have not ordered since; of
    all customers, or of those chosen by one filter. None with more filters: no sums are kept of that.
    """
    filters = plan.params.filters()
    if len(filters) > 1:
        return None
    dim, value = next(iter(filters.items()), ("all", ""))
    args = (context.store.id, plan.params.basis, dim, value)
    gaps = {row["days"]: row["count"] for row in await context.connection.fetch(SQL.gaps, *args)}
    since: dict[int, int] = {}
    for row in await context.connection.fetch(SQL.last_days, *args):
        days = max((plan.today - row["last_day"]).days, 0)
        since[days] = since.get(days, 0) + row["customers"]
    return gaps, since


async def last_order(context: Context, basis: str) -> date | None:
    """The day on which a customer ordered last."""
    day: date | None = await context.connection.fetchval(SQL.last_order, context.store.id, basis)
    return day


async def span(context: Context, basis: str) -> tuple[date, date] | None:
    """The first and the last day on which a customer ordered for the first time."""
    row = await context.connection.fetchrow(SQL.span, context.store.id, basis)
    return None if row["first"] is None else (row["first"], row["last"])


async def has_orders(context: Context) -> bool:
    """Whether the store has any orders, also of nobody known."""
    return bool(await context.connection.fetchval(SQL.has_orders, context.store.id))
