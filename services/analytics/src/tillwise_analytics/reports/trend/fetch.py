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
PARTS_OF_ORDERS = frozenset(("category", "product"))


class Fetcher:
    """One question, over one or two periods."""

    def __init__(self, context: Context, params: TrendParams) -> None:
        self._context, self._params = context, params
        self._filters = {dim: value for dim, value in params.filters().items() if value is not None}
        # Whether groups are left that are not told apart; when there are none, nobody needs to look for them.
        self.has_others = True

    async def cells(self, period: Period, told_apart: list[str] | None = None) -> Cells:
        """Sums by (bucket, group). `told_apart`: the other groups are summed as group None."""
        granularity = self._params.granularity
        if self._people_of_groups():
            return await self._people_of(period, granularity, told_apart)
        cells = await self._all_groups(period, granularity, told_apart)
        if told_apart is None:
            return cells
        folded = _fold(cells, set(told_apart))
        if self._overlap() and self._rolled_up(granularity) and any(group is None for _, group in folded):
            # One order may be in several of the other groups, and counts once among them.
            others = await self._of_others(period, granularity, told_apart)
            folded |= {key: sums._replace(orders=others.get(key, maths.NOTHING).orders) for key, sums in folded.items() if key[1] is None}
        return folded

    async def by_group(self, period: Period) -> dict[str | None, Sums]:
        """Sums by group over the whole period. An order lies in one bucket, a customer may be in many."""
        if not self._people_of_groups():
            return await self._sums_by_group(period)
        people = {group: sums for (_, group), sums in (await self._people_of(period, "all", None)).items()}
        if not self._dims() & PARTS_OF_ORDERS:
            return people
        # A group is there also where nobody is known by name who bought of it.
        there = await self._sums_by_group(period)
        return {group: there.get(group, maths.NOTHING).plus(people.get(group, maths.NOTHING)) for group in there.keys() | people.keys()}

    async def whole(self, period: Period, cells: Cells) -> Sums:
        """Sums of the whole period, customers and orders counted once."""
        params = self._params
        if params.metric == "customers" and not self._filters:
            return Sums(customers=await self._fetchval(SQL.distinct_customers, *self._instants(period), params.basis))
        if params.by is None and (params.metric not in PEOPLE or not self._filters):
            return maths.total(cells)
        if params.metric in PEOPLE:
            return maths.total(await self._people_of(period, "all", None, ungrouped=True))
        if params.by not in PARTS_OF_ORDERS:
            return maths.total(cells)
        if len(self._filters) > 1:
            return maths.total(await self._from_facts(period, "all", None, ungrouped=True))
        return maths.total(await self._from_days(period, "all", next(iter(self._filters), "all"), None, ungrouped=True))

    async def is_empty(self, period: Period, cells: Cells) -> bool:
        """Whether nothing at all happened in the period, of what was asked for."""
        if any(any(sums) for sums in cells.values()):
            return False
        # Nobody is known by name who bought; something may have been sold all the same.
        asks_for_people = self._params.metric in PEOPLE
        return not (asks_for_people and any(any(sums) for sums in (await self._from_facts(period, "all", None, ungrouped=True)).values()))

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

    def _rolled_up(self, granularity: str) -> bool:
        """Whether a rollup has these sums: those of the store by the hour, those of one dimension by the day."""
        return len(self._dims()) <= (0 if granularity == "hour" else 1)

    async def _all_groups(self, period: Period, granularity: str, told_apart: list[str] | None) -> Cells:
        if self._params.metric in PEOPLE:
            return await (self._from_orders(period, "hour", None) if granularity == "hour" else self._people(period))
        if not self._rolled_up(granularity):
            return await self._from_facts(period, granularity, told_apart)
        if granularity == "hour":
            return await self._from_hours(period)
        return await self._from_days(period, granularity, next(iter(self._dims()), "all"), told_apart)

    async def _sums_by_group(self, period: Period) -> dict[str | None, Sums]:
        if not self._rolled_up("all"):
            cells = await self._from_facts(period, "all", None)
        elif self._params.by == "product":
            cells = await self._from_weeks(period)
        else:
            cells = await self._from_days(period, "all", next(iter(self._dims())), None)
        return {group: sums for (_, group), sums in cells.items()}

    async def _from_weeks(self, period: Period) -> Cells:
        """Sums of each product: a week is one row where seven days are seven."""
        days = period.whole_days()
        if days is None:
            return await self._from_facts(period, "all", None)
        week_start = self._context.store.week_start
        first = maths.begin(days.first + 6 * DAY, "week", week_start)
        last = maths.begin(days.last + DAY, "week", week_start) - 7 * DAY
        if last < first:
            return await self._from_days(period, "all", "product", None)
        rows = await self._fetch(SQL.product_totals, *days[:2], first, last, self._params.basis, self._params.sku)
        cut = period.cut_day()
        return _together(_cells(rows), await self._from_facts(cut, "all", None)) if cut else _cells(rows)

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
            cells.update(await self._from_orders(part, params.granularity, None))
        return cells

    async def _people_of(self, period: Period, granularity: str, told_apart: list[str] | None, *, ungrouped: bool = False) -> Cells:
        """Customers of groups or filters, from orders; where they are parts of orders, from lines."""
        params, by = self._params, None if ungrouped else self._params.by
        if not (self._filters.keys() | {by}) & PARTS_OF_ORDERS:
            return await self._from_orders(period, granularity, told_apart, ungrouped=ungrouped)
        overlap = by in PARTS_OF_ORDERS
        asked = self._asked(period, granularity, told_apart, ungrouped=ungrouped)
        told = _cells(await self._fetch(SQL.from_lines, *asked, *self._choice(), params.metric == "new_customers", not overlap))
        return told | await self._of_others(period, granularity, told_apart) if overlap and told_apart is not None else told

    async def _of_others(self, period: Period, granularity: str, told_apart: list[str]) -> Cells:
        """Orders and customers of the categories or products that are not told apart."""
        if not self.has_others:
            return {}
        asked = self._asked(period, granularity, told_apart)
        return _cells(await self._fetch(SQL.of_others, *asked, *self._choice(), self._params.metric == "new_customers"))

    async def _from_orders(self, period: Period, granularity: str, told_apart: list[str] | None, *, ungrouped: bool = False) -> Cells:
        asked = self._asked(period, granularity, told_apart, ungrouped=ungrouped)
        return _cells(await self._fetch(SQL.from_orders, *asked, self._params.channel, self._params.country))

    async def _from_facts(
        self, period: Period, granularity: str, told_apart: list[str] | None, *, ungrouped: bool = False, since: datetime | None = None
    ) -> Cells:
        asked = self._asked(period, granularity, told_apart, ungrouped=ungrouped, since=since)
        return _cells(await self._fetch(SQL.from_facts, *asked, *self._choice(), self._params.metric in ("orders", "average_order")))

    def _asked(
        self, period: Period, granularity: str, told_apart: list[str] | None, *, ungrouped: bool = False, since: datetime | None = None
    ) -> tuple[Any, ...]:
        """What the questions to the facts have in common."""
        store, (begin, end) = self._context.store, self._instants(period)
        by = None if ungrouped else self._params.by
        return (since or begin, end, store.timezone, granularity, store.week_start, self._params.basis, by, told_apart)

    def _choice(self) -> tuple[str | None, ...]:
        params = self._params
        return (params.channel, params.country, params.category, params.sku)

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
