"""Fetches the trend's sums: from a rollup when one answers the question, else from the entries themselves."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from tillwise_analytics.reports.report import Context
from tillwise_analytics.reports.trend import maths
from tillwise_analytics.reports.trend.maths import DAY, Start, Sums
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

    async def cells(self, first: date, last: date, told_apart: list[str] | None = None) -> Cells:
        """Sums by (bucket, group). `told_apart`: the other groups are summed as group None."""
        if told_apart is not None and self._needs_facts_for_others():
            return await self._from_facts(first, last, self._params.granularity, told_apart)
        cells = await self._all_groups(first, last)
        return cells if told_apart is None else _fold(cells, set(told_apart))

    async def by_group(self, first: date, last: date, told_apart: list[str] | None = None) -> dict[str | None, Sums]:
        """Sums by group over the whole period."""
        if self._params.metric in PEOPLE or self._dims() & set(PARTS_OF_ORDERS):
            cells = await self._from_facts(first, last, "all", told_apart)
        else:
            cells = await self.cells(first, last, told_apart)
        sums: dict[str | None, Sums] = {}
        for (_, group), cell in cells.items():
            sums[group] = sums.get(group, maths.NOTHING).plus(cell)
        return sums

    async def whole(self, first: date, last: date, cells: Cells) -> Sums:
        """Sums of the whole period, customers and orders counted once."""
        params = self._params
        if params.metric == "customers" and not self._filters:
            return Sums(customers=await self._fetchval(SQL.distinct_customers, *self._instants(first, last), params.basis))
        if params.by in PARTS_OF_ORDERS or (params.by and params.metric in PEOPLE) or (self._filters and params.metric in PEOPLE):
            found = await self._from_facts(first, last, "all", [], by=None)
            return maths.total(found)
        return maths.total(cells)

    async def names(self, skus: list[str]) -> dict[str, str | None]:
        """What products are called."""
        return {row["sku"]: row["name"] for row in await self._fetch(SQL.product_names, skus)}

    async def span(self) -> tuple[date, date] | None:
        """The first and the last day with sales, or None."""
        row = (await self._fetch(SQL.span))[0]
        return None if row["first"] is None else (row["first"], row["last"])

    def _dims(self) -> set[str]:
        return set(self._filters) | ({self._params.by} if self._params.by else set())

    def _needs_facts_for_others(self) -> bool:
        additive = self._params.metric in ("sales", "units") or self._params.by not in PARTS_OF_ORDERS
        return self._params.metric in PEOPLE or not additive

    async def _all_groups(self, first: date, last: date) -> Cells:
        params, dims = self._params, self._dims()
        if params.granularity == "hour":
            if dims or params.metric in PEOPLE:
                return await self._from_facts(first, last, "hour", None)
            return _cells(await self._fetch(SQL.from_hours, *self._instants(first, last), params.basis))
        if params.metric in PEOPLE:
            # A bucket that the period cuts holds customers of days outside of it.
            if dims or self._cuts(first, last):
                return await self._from_facts(first, last, params.granularity, None)
            return _cells(await self._fetch(SQL.from_customers, params.granularity, first, last, params.basis))
        if len(dims) > 1:
            return await self._from_facts(first, last, params.granularity, None)
        dim = next(iter(dims), "all")
        only = self._filters.get(dim)
        rows = await self._fetch(
            SQL.from_days, dim, first, last, only, params.granularity, self._context.store.week_start, params.basis, params.by is not None
        )
        return _cells(rows)

    def _cuts(self, first: date, last: date) -> bool:
        granularity, week_start = self._params.granularity, self._context.store.week_start
        return maths.begin(first, granularity, week_start) != first or maths.begin(last + DAY, granularity, week_start) != last + DAY

    async def _from_facts(self, first: date, last: date, granularity: str, told_apart: list[str] | None, by: str | None = "") -> Cells:
        params, store = self._params, self._context.store
        rows = await self._fetch(
            SQL.from_facts, *self._instants(first, last), store.timezone, granularity, store.week_start, params.basis,
            params.by if by == "" else by, told_apart, params.channel, params.country, params.category, params.sku,
        )  # fmt: skip
        return _cells(rows)

    def _instants(self, first: date, last: date) -> tuple[Any, Any]:
        return maths.midnight(first, self._context.zone), maths.midnight(last + DAY, self._context.zone)

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


def _fold(cells: Cells, told_apart: set[str]) -> Cells:
    folded: Cells = {}
    for (bucket, group), sums in cells.items():
        key = (bucket, group if group in told_apart else None)
        folded[key] = folded.get(key, maths.NOTHING).plus(sums)
    return folded
