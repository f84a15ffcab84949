"""Fetches the trend's sums: from a rollup when one answers the question, else from the entries themselves."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from tillwise_analytics.reports.periods import DAY, Period
from tillwise_analytics.reports.report import Context
from tillwise_analytics.reports.trend import maths
from tillwise_analytics.reports.trend.maths import Start, Sums
from tillwise_analytics.reports.trend.params import TrendParams
from tillwise_common.postgres.sql import load

SQL = load("tillwise_analytics.reports.trend", "query.sql")
Cells = dict[tuple[Start | None, str | None], Sums]
PEOPLE = ("customers", "new_customers")
# An order has one channel and one country, but may hold several categories and products.
PARTS_OF_ORDERS = ("category", "product")


class Fetcher:
    """One question, over one or two periods."""

    def __init__(self, context: Context, params: TrendParams) -> None:
        self._context, self._params = context, params
        self._filters = {dim: value for dim, value in params.filters().items() if value is not None}

    async def cells(self, period: Period, told_apart: list[str] | None = None) -> Cells:
        """Sums by (bucket, group). `told_apart`: the other groups are summed as group None."""
        granularity = self._params.granularity
        if self._people_of_groups():
            return await self._from_facts(period, granularity, told_apart)
        cells = await self._all_groups(period, granularity, told_apart)
        if told_apart is None:
            return cells
        folded = _fold(cells, set(told_apart))
        if self._overlap() and any(group is None for _, group in folded):
            # One order may be in several of the other groups, and counts once among them.
            exact = await self._from_facts(period, granularity, told_apart)
            folded.update({key: sums for key, sums in exact.items() if key[1] is None})
        return folded

    async def by_group(self, period: Period) -> dict[str | None, Sums]:
        """Sums by group over the whole period. An order lies in one bucket, a customer may be in many."""
        if self._people_of_groups():
            cells = await self._from_facts(period, "all", None)
        else:
            # Sums of the whole period add up the same by the day; hours are added up here.
            whole = self._params.granularity if self._params.granularity == "hour" else "all"
            cells = await self._all_groups(period, whole, None)
        sums: dict[str | None, Sums] = {}
        for (_, group), cell in cells.items():
            sums[group] = sums.get(group, maths.NOTHING).plus(cell)
        return sums

    async def whole(self, period: Period, cells: Cells) -> Sums:
        """Sums of the whole period, customers and orders counted once."""
        params = self._params
        if params.metric == "customers" and not self._filters:
            return Sums(customers=await self._fetchval(SQL.distinct_customers, *self._instants(period), params.basis))
        if params.by is None and (params.metric not in PEOPLE or not self._filters):
            return maths.total(cells)
        if params.metric in PEOPLE or (self._filters and params.by in PARTS_OF_ORDERS):
            return maths.total(await self._from_facts(period, "all", None, ungrouped=True))
        if params.by in PARTS_OF_ORDERS:
            return maths.total(await self._from_days(period, "all", "all", None, ungrouped=True))
        return maths.total(cells)

    async def first_order(self) -> datetime | None:
        """The hour in which the store's first order was placed, or None without orders."""
        found: datetime | None = await self._context.connection.fetchval(SQL.first_order, self._context.store.id)
        return found

    async def names(self, skus: list[str]) -> dict[str, str | None]:
        """What products are called."""
        return {row["sku"]: row["name"] for row in await self._fetch(SQL.product_names, skus)}

    async def span(self) -> tuple[date, date] | None:
        """The first and the last day with sales, or None."""
        row = (await self._fetch(SQL.span))[0]
        return None if row["first"] is None else (row["first"], row["last"])

    def _dims(self) -> set[str]:
        return set(self._filters) | ({self._params.by} if self._params.by else set())

    def _overlap(self) -> bool:
        """Whether groups overlap in what is asked for, so that they do not add up."""
        return self._params.by in PARTS_OF_ORDERS and self._params.metric in ("orders", "average_order")

    def _people_of_groups(self) -> bool:
        return self._params.metric in PEOPLE and bool(self._dims())

    async def _all_groups(self, period: Period, granularity: str, told_apart: list[str] | None) -> Cells:
        params, dims = self._params, self._dims()
        if granularity == "hour":
            if dims or params.metric in PEOPLE:
                return await self._from_facts(period, "hour", None)
            return await self._from_hours(period)
        if params.metric in PEOPLE:
            return await self._people(period)
        if len(dims) > 1:
            return await self._from_facts(period, granularity, None)
        return await self._from_days(period, granularity, next(iter(dims), "all"), told_apart)

    async def _from_days(
        self, period: Period, granularity: str, dim: str, told_apart: list[str] | None, *, ungrouped: bool = False
    ) -> Cells:
        """Whole days from their rollup; of a day that is cut, what lies in the period from the facts."""
        params, cells = self._params, Cells()
        if days := period.whole_days():
            rows = await self._fetch(
                SQL.from_days, dim, days.first, days.last, self._filters.get(dim), granularity, self._context.store.week_start,
                params.basis, params.by is not None and not ungrouped, told_apart,
            )  # fmt: skip
            cells = _cells(rows)
        if cut := period.cut_day():
            cells = _together(cells, await self._from_facts(cut, granularity, told_apart, ungrouped=ungrouped))
        return cells

    async def _from_hours(self, period: Period) -> Cells:
        """Whole hours from their rollup, the rest of an hour that is cut from the facts."""
        zone, basis = self._context.zone, self._params.basis
        begin, end = self._instants(period)
        whole = maths.hour_begin(end, zone)
        cells = _cells(await self._fetch(SQL.from_hours, begin, whole, basis))
        return cells if whole == end else cells | await self._from_facts(period, "hour", None, since=whole)

    async def _people(self, period: Period) -> Cells:
        """Customers of whole buckets from the rollup; a bucket that the period cuts is counted from the facts."""
        params, week_start = self._params, self._context.store.week_start
        buckets = maths.day_buckets(period.first, period.last, params.granularity, week_start)
        cut = [
            bucket for bucket in {buckets[0], buckets[-1]}
            if bucket < period.first
            or maths.following(bucket, params.granularity) > period.last + DAY
            or (bucket == buckets[-1] and period.until is not None)
        ]  # fmt: skip
        cells = _cells(await self._fetch(SQL.from_customers, params.granularity, buckets[0], period.last, params.basis))
        for bucket in cut:
            cells.pop((bucket, ""), None)
            end = maths.following(bucket, params.granularity) - DAY
            part = Period(max(bucket, period.first), end) if end < period.last else period._replace(first=max(bucket, period.first))
            cells.update(await self._from_facts(part, params.granularity, None))
        return cells

    async def _from_facts(
        self, period: Period, granularity: str, told_apart: list[str] | None, *, ungrouped: bool = False, since: datetime | None = None
    ) -> Cells:
        params, store = self._params, self._context.store
        begin, end = self._instants(period)
        by = None if ungrouped else params.by
        asked = (since or begin, end, store.timezone, granularity, store.week_start, params.basis, by, told_apart)
        if params.metric in PEOPLE and not self._dims() & set(PARTS_OF_ORDERS):
            return _cells(await self._fetch(SQL.from_orders, *asked, params.channel, params.country))
        return _cells(await self._fetch(SQL.from_facts, *asked, params.channel, params.country, params.category, params.sku))

    def _instants(self, period: Period) -> tuple[datetime, datetime]:
        return period.begins(self._context.zone), period.ends(self._context.zone)

    async def _fetch(self, sql: str, *values: Any) -> list[Mapping[str, Any]]:
        rows: list[Mapping[str, Any]] = await self._context.connection.fetch(sql, self._context.store.id, *values)
        return rows

    async def _fetchval(self, sql: str, *values: Any) -> int:
        return int(await self._context.connection.fetchval(sql, self._context.store.id, *values))


def _cells(rows: list[Mapping[str, Any]]) -> Cells:
    return {
        (row.get("hour") or row["bucket"], row["grp"]): Sums(
            row["orders"], row["units"] or 0, row["sales"] or 0, row["customers"], row["new_customers"]
        )
        for row in rows
    }


def _together(cells: Cells, more: Cells) -> Cells:
    return {key: cells.get(key, maths.NOTHING).plus(more.get(key, maths.NOTHING)) for key in cells.keys() | more.keys()}


def _fold(cells: Cells, told_apart: set[str]) -> Cells:
    folded: Cells = {}
    for (bucket, group), sums in cells.items():
        key = (bucket, group if group in told_apart else None)
        folded[key] = folded.get(key, maths.NOTHING).plus(sums)
    return folded
