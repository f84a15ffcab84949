"""What the customers report reads: from the histograms where they know it, else from the customers themselves."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any, NamedTuple

from tillwise_analytics.reports.customers import maths
from tillwise_analytics.reports.customers.maths import Bin, Concentration, Limits, Sums
from tillwise_analytics.reports.customers.params import Settled
from tillwise_analytics.reports.customers.segments import codes
from tillwise_analytics.reports.report import Context
from tillwise_common.postgres.sql import load

SQL = load("tillwise_analytics.reports.customers", "query.sql")


class Standing(NamedTuple):
    """Whether the store has any data, whether it knows any cost, and the day as which the customers must be computed; None:
    nothing happened after the day asked for, so they are as they are.
    """

    anything: bool
    costed: bool
    past: date | None


class Known(NamedTuple):
    """All customers of the store at a day: the limits of their scores, how many they are, and the day of their last order."""

    limits: Limits
    customers: int
    last_order: date


class Found(NamedTuple):
    """All customers, and of those chosen the sums by scores of recency and frequency, and how unequal they are."""

    known: Known
    cells: dict[tuple[int, int], Sums]
    concentration: Concentration


async def standing(context: Context, as_of: date) -> Standing:
    """What there is to read."""
    row = await context.connection.fetchrow(SQL.standing, context.store.id, as_of)
    return Standing(row["anything"], row["costed"], as_of if row["later"] else None)


async def found(context: Context, asked: Settled, past: date | None) -> Found | None:
    """The customers at the day asked for; None when there are none."""
    if past is not None:
        then = await known_then(context, asked, past)
        return None if then is None else await _chosen(context, asked, past, then)
    fetch, who = context.connection.fetch, (context.store.id, asked.params.basis)
    days, orders = _spread(await fetch(SQL.spread, *who))
    if not days:
        return None
    bins = [maths.bin_of(*row) for row in await fetch(SQL.bins, *who)]
    customers = sum(one.customers for one in bins)
    places = [maths.locate(bins, place) for place in (*maths.value_places(customers), maths.top_place(customers))]
    ends = ([p.bin.low for p in places], [p.bin.high for p in places], [p.rest for p in places])
    *values, best = await fetch(SQL.places, *who, *ends)
    known = _known(days, orders, [row["spent"] for row in values])
    if asked.params.filtered:
        return await _chosen(context, asked, None, known)
    limits = known.limits
    cells = _cells(await fetch(SQL.cells, *who, limits.recency, limits.frequency, asked.as_of))
    return Found(known, cells, maths.concentration(bins, maths.top_place(customers), places[-1].before + best["total"]))


async def known_then(context: Context, asked: Settled, day: date) -> Known | None:
    """All customers at the end of an earlier day; None when there were none."""
    rows = await context.connection.fetch(SQL.spread_then, context.store.id, asked.params.basis, day)
    days, orders = _spread(row for row in rows if row["spent"] is None)
    values = sorted((row["customers"], row["spent"]) for row in rows if row["spent"] is not None)
    return _known(days, orders, [spent for _, spent in values]) if days else None


def _spread(rows: Iterable[Any]) -> tuple[list[tuple[date, int]], list[tuple[int, int]]]:
    """How many customers ordered last on each day, latest first, and how many ordered how often, fewest orders first."""
    days, orders = [], []
    for row in rows:
        if row["last_day"] is not None:
            days.append((row["last_day"], row["customers"]))
        else:
            orders.append((row["orders"], row["customers"]))
    return sorted(days, reverse=True), sorted(orders)


def _known(days: list[tuple[date, int]], orders: list[tuple[int, int]], values: list[int]) -> Known:
    limits = Limits(maths.fifths(days), maths.frequencies(orders), tuple(values))
    return Known(limits, sum(count for _, count in days), days[0][0])


async def _chosen(context: Context, asked: Settled, past: date | None, known: Known) -> Found:
    limits = known.limits
    rows = await context.connection.fetch(
        SQL.chosen, context.store.id, asked.params.basis, past, limits.recency, limits.frequency, asked.as_of, *_filters(asked)
    )
    cells = _cells(row for row in rows if row["recency"] is not None)
    bins = [maths.bin_of(row["bin"], row["customers"], row["sales"]) for row in rows if row["bin"] is not None]
    (best,) = (row for row in rows if row["recency"] is None and row["bin"] is None)
    bins.sort(key=_low, reverse=True)
    return Found(known, cells, maths.concentration(bins, best["customers"], best["sales"] or 0))


def _low(one: Bin) -> int:
    return one.low


def _cells(rows: Iterable[Any]) -> dict[tuple[int, int], Sums]:
    return {
        (row["recency"], row["frequency"]): Sums(row["customers"], row["orders"], row["sales"], row["margin"], row["days"]) for row in rows
    }


def _filters(asked: Settled) -> tuple[str | None, str | None, str | None]:
    return asked.params.channel, asked.params.country, asked.params.category


async def moves(context: Context, asked: Settled, past: date | None, now: Limits, then: Limits) -> list[Any]:
    """How many came from which scores to which."""
    rows: list[Any] = await context.connection.fetch(
        SQL.moves, context.store.id, asked.params.basis, past, now.recency, now.frequency,
        asked.since, then.recency, then.frequency, *_filters(asked),
    )  # fmt: skip
    return rows


async def listed(context: Context, asked: Settled, past: date | None, now: Limits, then: Limits | None) -> list[Any]:
    """The customers asked for, as many as are listed; each row says how many there are."""
    params = asked.params
    recency, frequency = (then.recency, then.frequency) if then else ((), ())
    rows: list[Any] = await context.connection.fetch(
        SQL.listed, context.store.id, params.basis, past, now.recency, now.frequency, now.monetary,
        asked.since if then else None, recency, frequency, *_filters(asked),
        codes(params.segment) if params.segment else None, codes(params.previous) if params.previous else None, params.sort, params.limit,
    )  # fmt: skip
    return rows
